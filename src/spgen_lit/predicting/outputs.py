"""Outputs of a prediction: which images, which files each one gets, and which are done."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spgen_lit.data.images import SUFFIXES
from spgen_lit.data.readers.scanpath_file import ScanpathFile
from spgen_lit.files import atomic, cell, shown, write_csv, write_json
from spgen_lit.provenance import differences
from spgen_lit.scanpath import Scanpath

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


@dataclass(frozen=True)
class Failure:
    """A file or folder that could not be used, and why, in one line."""

    path: Path
    reason: str


def find_images(images: str | Sequence[str]) -> tuple[list[Item], list[Failure]]:
    """The images that a file, a folder, a glob, or a list of these means, in sorted order.

    Folders are searched at every depth for files with an image's suffix, hidden ones left
    out; a file that is named, or matches a glob, is taken whatever its suffix. What exists
    under its very name is never taken as a pattern.

    Returns:
        The images, each once, and the folders that could not be searched.

    Raises:
        FileNotFoundError: If an entry matches nothing at all; the message names it.
    """
    entries = [images] if isinstance(images, str) else list(images)
    found: dict[Path, None] = {}
    failures: list[Failure] = []
    for entry in entries:
        path = Path(entry).expanduser()
        if path.is_dir():
            matches = _below(path, failures)
            if not matches and not failures:
                raise FileNotFoundError(f"images={shown(entry)}: the folder holds no image file")
        elif path.exists():
            matches = [path]
        else:
            anchor = Path(path.anchor or ".")
            pattern = str(path.relative_to(anchor) if path.anchor else path)
            matches = sorted(match for match in anchor.glob(pattern) if not match.is_dir())
            if not matches:
                raise FileNotFoundError(
                    f"images={shown(entry)}: no such file or folder, and no file matches it "
                    "as a pattern; name an image, a folder of images, or quote a pattern"
                )
        found.update(dict.fromkeys(matches))
    return _named(list(found), [Path(entry).expanduser() for entry in entries]), failures


def _named(paths: Sequence[Path], roots: Sequence[Path]) -> list[Item]:
    """Items with keys below the folder that all share, and stems that no two share."""
    if len(roots) == 1 and roots[0].is_dir():
        base = str(roots[0])
    else:
        base = os.path.commonpath([str(path.absolute().parent) for path in paths] or ["."])
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


def _below(folder: Path, failures: list[Failure]) -> list[Path]:
    def refuse(error: OSError) -> None:
        failures.append(Failure(Path(error.filename), f"folder not searched: {error.strerror}"))

    paths: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths += [
            Path(place, name)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
        ]
    return sorted(paths)


def trials(
    paths: Sequence[Scanpath], key: str, typical: int | None = None, model: str = ""
) -> list[dict[str, Any]]:
    """COCO-style records of an image's paths: px and ms, the image's size beside them.

    Args:
        paths: Scanpaths on one image, in sample order.
        key: The image's name in the file.
        typical: Which of them stands for all.
        model: What drew them, with what must be known of it.
    """
    return [
        {
            "name": key,
            "subject": index + 1,
            "condition": "freeview",
            "width": path.size[0],
            "height": path.size[1],
            "X": path.pixels[:, 0].round(3).tolist(),
            "Y": path.pixels[:, 1].round(3).tolist(),
            "length": len(path),
            "typical": index == typical,
            "model": model,
        }
        | ({} if path.durations is None else {"T": (path.durations * 1000).round(2).tolist()})
        for index, path in enumerate(paths)
    ]


def _rows(record: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The same record as rows of ``COLUMNS``, one a fixation: px, and ms (empty if unknown)."""
    before = (shown(record["name"]), record["width"], record["height"], record["subject"])
    after = (int(record["typical"]), record["model"])
    ms = record.get("T") or [""] * record["length"]
    for number, place in enumerate(zip(record["X"], record["Y"], ms, strict=True), start=1):
        yield (*before, number, *place, *after)


class Outputs:
    """The output folder of one prediction.

    Per image it holds ``json/<stem>.json`` and the pictures; for the whole run
    ``scanpaths.json``, ``scanpaths.csv``, ``index.html``, ``run.json`` and, if files could not
    be read, ``unreadable.csv``.

    Args:
        root: The folder; made if absent.
        made_by: What decides the scanpaths. It is kept in ``run.json``, and a folder made by
            something else is refused, so that a resumed run never mixes two.
        model: What the model is called in every table, with what must be known of it.

    Raises:
        ValueError: If the folder holds paths of other settings; the message names them.
    """

    def __init__(
        self, root: str | os.PathLike[str], made_by: dict[str, Any], model: str = ""
    ) -> None:
        self.root = Path(root)
        self.model = model
        card = self.root / "run.json"
        if card.is_file():
            other = differences(json.loads(card.read_text(encoding="utf-8")), made_by)
            if other:
                raise ValueError(
                    f"{self.root} holds scanpaths made with other settings ({'; '.join(other)}); "
                    "choose another folder (--out, output=), or remove that one"
                )
        write_json(card, made_by)

    def file(self, kind: str, item: Item, suffix: str) -> Path:
        """Where a file of one kind (``json``, ``overlay``, …) of an image belongs."""
        return self.root / kind / (item.stem + suffix)

    def write(self, item: Item, paths: Sequence[Scanpath], typical: int | None = None) -> None:
        """Write an image's paths, which marks it as done."""
        records = trials(paths, item.key, typical, self.model)
        write_json(self.file("json", item, ".json"), records, None)

    def read(self, item: Item) -> tuple[list[Scanpath], int | None]:
        """The scanpaths of an image that is done, and which of them is the typical one."""
        records = self._records(item)
        typical = next((i for i, record in enumerate(records) if record["typical"]), None)
        file = ScanpathFile(self.file("json", item, ".json"), "px", "ms")
        return file.read().samples[item.key], typical

    def _records(self, item: Item) -> list[dict[str, Any]]:
        text = self.file("json", item, ".json").read_text(encoding="utf-8")
        records: list[dict[str, Any]] = json.loads(text)
        return records

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
            separator = "[\n"
            for record in (record for item in items for record in self._records(item)):
                records.write(separator + json.dumps(record))
                separator = ",\n"
                rows.writerows([cell(value) for value in row] for row in _rows(record))
            records.write("[]\n" if separator == "[\n" else "\n]\n")

    def refuse(self, failures: Sequence[Failure]) -> None:
        """List what could not be read in ``unreadable.csv``; without any, remove the list."""
        listing = self.root / "unreadable.csv"
        if not failures:
            listing.unlink(missing_ok=True)
            return
        rows = [{"file": shown(failure.path), "reason": failure.reason} for failure in failures]
        write_csv(listing, rows)
