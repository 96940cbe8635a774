"""Outputs of a prediction: which images, which files each one gets, and which are done."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from spgen_lit.data.images import SUFFIXES
from spgen_lit.data.readers.scanpath_file import ScanpathFile
from spgen_lit.files import atomic, cell, shown, write_csv, write_json
from spgen_lit.pictures.overlay import Caption
from spgen_lit.predicting import Settings
from spgen_lit.provenance import differences
from spgen_lit.scanpath import Scanpath

#: Files and folders that could not be used, and why, in one line.
Failures = dict[Path, str]
COLUMNS = (
    *("image", "width", "height", "observer", "fixation", "x", "y", "duration"),
    *("typical", "model"),
)


@dataclass(frozen=True)
class Item:
    """One image to predict for.

    Attributes:
        path: The file.
        key: Its path below the folder that all images share, with ``/`` between parts; it
            names the image in every table, so equal names in two folders stay apart.
        stem: What its output files are called: the key without suffix, or with it
            (``a-jpg``) where two images would share one.
    """

    path: Path
    key: str
    stem: str


def find_images(images: str | Sequence[str]) -> tuple[list[Item], Failures]:
    """The images that a file, a folder, a glob, or a list of these means, in sorted order.

    Folders are searched at every depth for files with an image's suffix, hidden ones left
    out; a file that is named, or matches a glob, is taken whatever its suffix. What exists
    under its very name is never taken as a pattern.

    Returns:
        The images, each once, and the folders that could not be searched.

    Raises:
        FileNotFoundError: If an entry matches nothing at all; the message names it.
    """
    entries = [images] if isinstance(images, str) else images
    roots = [Path(entry).expanduser() for entry in entries]
    failures: Failures = {}
    paths = list(dict.fromkeys(path for root in roots for path in _matches(root, failures)))
    alone = len(roots) == 1 and roots[0].is_dir()
    folders = roots if alone or not paths else [path.parent for path in paths]
    base = os.path.commonpath([folder.absolute() for folder in folders] or ["."])
    return _named(paths, base), failures


def _matches(root: Path, failures: Failures) -> list[Path]:
    """The files that one entry means, sorted; folders that cannot be searched are failures."""
    if root.is_dir():
        matches = _below(root, failures)
        if not matches and not failures:
            raise FileNotFoundError(f"images={shown(root)}: the folder holds no image file")
        return matches
    if root.exists():
        return [root]
    anchor = Path(root.anchor)
    found = anchor.glob(str(root.relative_to(anchor)))
    matches = sorted(match for match in found if not match.is_dir())
    if not matches:
        raise FileNotFoundError(
            f"images={shown(root)}: no such file or folder, and no file matches it "
            "as a pattern; name an image, a folder of images, or quote a pattern"
        )
    return matches


def _below(folder: Path, failures: Failures) -> list[Path]:
    def refuse(error: OSError) -> None:
        failures[Path(error.filename)] = f"folder not searched: {error.strerror}"

    paths: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(place, name) for name in files if not name.startswith(".")]
    return sorted(path for path in paths if path.suffix.lower() in SUFFIXES)


def _named(paths: Sequence[Path], base: str) -> list[Item]:
    """Items with keys below a folder, and stems that no two share."""
    keys = [os.path.relpath(path, base).replace(os.sep, "/") for path in paths]
    # Some file systems hold A.png and a.png for one file.
    stems = [key.removesuffix(path.suffix) for path, key in zip(paths, keys, strict=True)]
    count = Counter(stem.casefold() for stem in stems)
    items, taken = [], set[str]()
    for path, key, stem in zip(paths, keys, stems, strict=True):
        if count[stem.casefold()] > 1:
            stem += "-" + path.suffix.removeprefix(".")
        while stem.casefold() in taken:
            stem += "-"
        taken.add(stem.casefold())
        items.append(Item(path, key, stem))
    return items


def _rows(record: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """A record of one path as rows of ``COLUMNS``, one a fixation; ms are empty if unknown."""
    before = (cell(shown(record["name"])), record["width"], record["height"], record["subject"])
    after = (int(record["typical"]), cell(record["model"]))
    ms = record.get("T") or [""] * record["length"]
    for number, place in enumerate(zip(record["X"], record["Y"], ms, strict=True), start=1):
        yield (*before, number, *place, *after)


@dataclass
class Outputs:
    """The output folder of one prediction.

    Per image it holds ``json/<stem>.json`` and the pictures; for the whole run
    ``scanpaths.json``, ``scanpaths.csv``, ``index.html``, ``run.json`` and, if files could not
    be read, ``unreadable.csv``.

    Args:
        settings: Where the folder is (made if absent), and which pictures it gets.
        made_by: What decides the scanpaths: the ``model``, its ``warning`` and more. It is kept
            in ``run.json``, and a folder made by something else is refused, so that a resumed
            run never mixes two.
        captions: Image file to what is written above it; its name where there is none.

    Attributes:
        root: The folder.
        warning: The model and what must be known of it, for the foot of every picture; empty
            where there is nothing to warn of.

    Raises:
        ValueError: If the folder holds paths of other settings; the message names them.
    """

    settings: Settings
    made_by: dict[str, Any]
    captions: Mapping[Path, Caption] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = Path(self.settings.output)
        warning = self.made_by.get("warning")
        self.warning = f"{self.made_by['model']}: {warning}" if warning else ""
        card = self.root / "run.json"
        if card.is_file():
            other = differences(json.loads(card.read_bytes()), self.made_by)
            if other:
                raise ValueError(
                    f"{self.root} holds scanpaths made with other settings ({'; '.join(other)}); "
                    "choose another folder (--out, output=), or remove that one"
                )
        write_json(card, self.made_by)

    def file(self, kind: str, item: Item, suffix: str) -> Path:
        """Where a file of one kind (``json``, ``overlay``, …) of an image belongs."""
        return self.root / kind / (item.stem + suffix)

    def pictures(self, item: Item) -> list[tuple[str, Path]]:
        """The pictures that an image gets: their kinds and files."""
        settings = self.settings
        kinds = [("overlay", suffix) for suffix in settings.formats if settings.overlay]
        kinds += [("density", "png")] if settings.density else []
        kinds += [("replay", settings.replay)] if settings.replay else []
        return [(kind, self.file(kind, item, f".{suffix}")) for kind, suffix in kinds]

    def done(self, item: Item) -> bool:
        """Whether an image has all its files: its JSON, written last, is newer than it."""
        record = self.file("json", item, ".json")
        try:
            newer = record.stat().st_mtime >= item.path.stat().st_mtime
        except OSError:  # not written yet, or the image cannot be looked at: reading will say why
            return False
        return newer and all(file.is_file() for _, file in self.pictures(item))

    def write(self, item: Item, paths: Sequence[Scanpath], typical: int | None = None) -> None:
        """Write an image's paths as COCO-style records in px and ms, which marks it as done.

        Args:
            item: The image.
            paths: Scanpaths on it, in sample order.
            typical: Which of them stands for all.
        """
        records = [
            {
                "name": item.key,
                "subject": index + 1,
                "condition": "freeview",
                "width": path.size[0],
                "height": path.size[1],
                "X": path.pixels[:, 0].round(3).tolist(),
                "Y": path.pixels[:, 1].round(3).tolist(),
                "length": len(path),
                "typical": index == typical,
                "model": self.warning or self.made_by["model"],
            }
            | ({} if path.durations is None else {"T": (path.durations * 1000).round(2).tolist()})
            for index, path in enumerate(paths)
        ]
        write_json(self.file("json", item, ".json"), records, None)

    def read(self, item: Item) -> tuple[list[Scanpath], int | None]:
        """The scanpaths of an image that is done, and which of them is the typical one."""
        records = self._records(item)
        typical = next((i for i, record in enumerate(records) if record["typical"]), None)
        file = ScanpathFile(self.file("json", item, ".json"), "px", "ms")
        return file.read().samples[item.key], typical

    def _records(self, item: Item) -> list[dict[str, Any]]:
        return list(json.loads(self.file("json", item, ".json").read_bytes()))

    def join(self, items: Iterable[Item]) -> None:
        """Write ``scanpaths.json`` and ``scanpaths.csv`` of all images, one image at a time."""
        with (
            atomic(self.root / "scanpaths.json") as records_part,
            atomic(self.root / "scanpaths.csv") as rows_part,
            records_part.open("w", encoding="utf-8") as records,
            rows_part.open("w", encoding="utf-8", newline="") as table,
        ):
            rows = csv.writer(table, lineterminator="\n")
            rows.writerow(COLUMNS)
            for number, record in enumerate(chain.from_iterable(map(self._records, items))):
                records.write((",\n" if number else "[\n") + json.dumps(record))
                rows.writerows(_rows(record))
            records.write("\n]\n" if records.tell() else "[]\n")

    def refuse(self, failures: Failures) -> None:
        """List what could not be read in ``unreadable.csv``; without any, remove the list."""
        listing = self.root / "unreadable.csv"
        if failures:
            rows = [{"file": shown(path), "reason": why} for path, why in sorted(failures.items())]
            write_csv(listing, rows)
        else:
            listing.unlink(missing_ok=True)
