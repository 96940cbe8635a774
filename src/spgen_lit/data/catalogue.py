"""The public gaze sets this package reads: what they hold, how to get them, their readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from spgen_lit.data.records import Gaze, GazeSet, Reader
from spgen_lit.instantiation import built, nearest, target_class
from spgen_lit.scanpath import Viewing


@dataclass(frozen=True)
class Download:
    """One file of a set that anybody may download.

    Attributes:
        url: Where it is.
        name: File name to store it under.
        md5: Published checksum, or None where the server builds the archive anew (then the
            checksum of the first download is written beside the data and compared later).
        keep: Only members below these folders of the archive are unpacked; all if empty.
    """

    url: str
    name: str
    md5: str | None = None
    keep: Sequence[str] = ()


@dataclass(frozen=True)
class Entry:
    """One public set.

    Attributes:
        reader: Dotted name of the reader class.
        size: Images, observers and resolution in words.
        gaze: How gaze was recorded.
        licence: Licence or terms, as far as the authors state them.
        get: How to get it, for a person.
        citation: Reference to cite.
        downloads: What `fetch` downloads; empty where the authors must be asked.
        viewing: How its pictures were shown, as its publication says.
        shown: Width and height that pixels of a degree count; images are fitted into it. None
            where they count each image's own size.
        test: Numbers of the images of the usual test split.
        notes: Facts a reader of results must know.
    """

    reader: str
    size: str
    gaze: Gaze
    licence: str
    get: str
    citation: str = ""
    downloads: tuple[Download, ...] = ()
    viewing: Viewing = field(default_factory=Viewing)
    shown: Sequence[int] | None = None
    test: Sequence[int] = ()
    notes: Sequence[str] = ()

    def viewing_at(self, size: tuple[int, int]) -> Viewing:
        """Viewing conditions of an image stored in this width and height."""
        degree = self.viewing.px_per_degree
        if degree is not None and self.shown is not None:
            degree *= max(size[0] / self.shown[0], size[1] / self.shown[1])
        return replace(self.viewing, px_per_degree=degree)


def _entry(content: dict[str, Any]) -> Entry:
    downloads = tuple(Download(**item) for item in content.get("downloads", ()))
    viewing = Viewing(**content.get("viewing", {}))
    return Entry(**{**content, "downloads": downloads, "viewing": viewing})


_CONTENT: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
)
CATALOGUE: dict[str, Entry] = {name: _entry(content) for name, content in _CONTENT.items()}


def build_reader(name: str, root: str | Path, /, **settings: object) -> Reader:
    """A reader of the catalogue, or any class by its dotted name.

    Args:
        name: Name in the catalogue, or e.g. ``my.module.MyReader``.
        root: The set's folder (or file).
        settings: The reader's other arguments.

    Raises:
        ValueError: For an unknown name, argument, or value, naming the nearest valid ones.
    """
    target = CATALOGUE[name].reader if name in CATALOGUE else name
    if "." not in target:
        hint = nearest(name, CATALOGUE)
        raise ValueError(f"unknown set {name!r}; {hint}. A reader's dotted name works too")
    reader: Reader = built(partial(target_class(target, name, [target]), root), settings, name)
    return reader


def load_dataset(name: str, root: str | Path, /, **settings: object) -> GazeSet:
    """Read a set of the catalogue: images by identifier, and scanpaths on them.

    Args:
        name: As ``spgen data list`` names it, such as ``osie``.
        root: Its folder.
        settings: Further arguments of its reader.

    Raises:
        ValueError: For an unknown name or argument, or files that cannot be read.
        FileNotFoundError: If files are missing.
    """
    return build_reader(name, root, **settings).read()
