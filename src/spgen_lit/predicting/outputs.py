"""Outputs of a prediction: which images, which files each one gets, and which are done."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spgen_lit.data.images import SUFFIXES
from spgen_lit.scanpath import Scanpath

COLUMNS = ("image", "width", "height", "observer", "fixation", "x", "y", "duration")


@dataclass(frozen=True)
class Item:
    """One image to predict for.

    Attributes:
        path: The file.
        key: Its path below the folder that all images share, with ``/`` between parts; it
            names the image in every output, so equal names in two folders stay apart.
    """

    path: Path
    key: str


@dataclass(frozen=True)
class Failure:
    """A file or folder that could not be used, and why, in one line."""

    path: Path
    reason: str


def shown(name: str | os.PathLike[str]) -> str:
    """A file name as it can be printed: bytes that are not UTF-8 as ``\\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def find_images(images: str | Sequence[str]) -> tuple[list[Item], list[Failure]]:
    """The images that a file, a folder, a glob, or a list of these means, in sorted order.

    Folders are searched at every depth for files with an image's suffix, hidden ones left
    out; a file that is named, or matches a glob, is taken whatever its suffix.

    Returns:
        The images, each once, and the folders that could not be searched.

    Raises:
        FileNotFoundError: If an entry matches nothing at all; the message names it.
    """
    wanted = [images] if isinstance(images, str) else list(images)
    found: dict[Path, None] = {}
    failures: list[Failure] = []
    for entry in wanted:
        place = Path(entry).expanduser()
        if place.is_dir():
            new = _below(place, failures)
            if not new and not failures:
                raise FileNotFoundError(f"images={shown(entry)}: the folder holds no image file")
        elif place.is_file():
            new = [place]
        else:
            anchor = Path(place.anchor or ".")
            pattern = str(place.relative_to(anchor) if place.anchor else place)
            new = sorted(match for match in anchor.glob(pattern) if match.is_file())
            if not new:
                raise FileNotFoundError(
                    f"images={shown(entry)}: no such file or folder, and no file matches it "
                    "as a pattern; name an image, a folder of images, or quote a pattern"
                )
        found.update(dict.fromkeys(new))
    paths = list(found)
    roots = [Path(e).expanduser() for e in wanted]
    if len(roots) == 1 and roots[0].is_dir():
        base = roots[0]
    else:
        base = Path(os.path.commonpath([str(path.absolute().parent) for path in paths] or ["."]))
    return [
        Item(path, os.path.relpath(path, base).replace(os.sep, "/")) for path in paths
    ], failures


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


def trials(paths: Sequence[Scanpath], key: str) -> list[dict[str, Any]]:
    """COCO-style records of an image's paths: px and ms, the image's size beside them.

    Args:
        paths: Scanpaths on one image, in sample order.
        key: The image's name in the file.
    """
    records = []
    for index, path in enumerate(paths):
        record: dict[str, Any] = {
            "name": key,
            "subject": index + 1,
            "condition": "freeview",
            "width": path.size[0],
            "height": path.size[1],
            "X": path.pixels[:, 0].round(3).tolist(),
            "Y": path.pixels[:, 1].round(3).tolist(),
            "length": len(path),
        }
        if path.durations is not None:
            record["T"] = (path.durations * 1000).round(2).tolist()
        records.append(record)
    return records


def from_trials(records: Sequence[dict[str, Any]]) -> list[Scanpath]:
    """Scanpaths of records that :func:`trials` made."""
    return [
        Scanpath.from_pixels(
            record["name"],
            (record["width"], record["height"]),
            [list(point) for point in zip(record["X"], record["Y"], strict=True)],
            [ms / 1000 for ms in record["T"]] if "T" in record else None,
            str(record["subject"]),
        )
        for record in records
    ]


def table(records: Sequence[dict[str, Any]], header: bool = True) -> str:
    """The same records as CSV, a row per fixation: px, and ms (empty if unknown)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(COLUMNS)
    for record in records:
        times = record.get("T", [""] * record["length"])
        size = (record["width"], record["height"])
        fixations = zip(record["X"], record["Y"], times, strict=True)
        for index, (x, y, t) in enumerate(fixations):
            writer.writerow([shown(record["name"]), *size, record["subject"], index + 1, x, y, t])
    return text.getvalue()


class Outputs:
    """The output folder of one prediction.

    Per image it holds ``csv/<key>.csv``, ``json/<key>.json`` and the pictures; for the whole
    run ``scanpaths.json``, ``scanpaths.csv``, ``index.html``, ``run.json`` and, if files
    could not be read, ``unreadable.csv``.

    Args:
        root: The folder; made if absent.
        settings: What decides the scanpaths. They are kept in ``run.json``, and a folder made
            with other settings is refused, so that a resumed run never mixes two.

    Raises:
        ValueError: If the folder holds paths of other settings; the message names them.
    """

    def __init__(self, root: str | os.PathLike[str], settings: dict[str, Any]) -> None:
        self.root = Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        card = self.root / "run.json"
        if card.is_file():
            old = json.loads(card.read_text(encoding="utf-8"))
            keys = sorted({*old, *settings})
            other = [key for key in keys if old.get(key) != settings.get(key)]
            if other:
                told = "; ".join(f"{k} was {old.get(k)!r}, now {settings.get(k)!r}" for k in other)
                raise ValueError(
                    f"{self.root} holds scanpaths made with other settings ({told}); "
                    "choose another output=, or remove that folder"
                )
        replace_text(card, json.dumps(settings, indent=2) + "\n")

    def file(self, kind: str, item: Item, suffix: str) -> Path:
        """Where a file of one kind (``csv``, ``overlay``, …) of an image belongs."""
        return self.root / kind / (item.key + suffix)

    def done(self, item: Item) -> bool:
        """Whether the image has all its files: its JSON, written last, is newer than it."""
        record = self.file("json", item, ".json")
        return record.is_file() and record.stat().st_mtime >= item.path.stat().st_mtime

    def write(self, item: Item, paths: Sequence[Scanpath]) -> None:
        """Write an image's CSV and then its JSON, which marks it as done."""
        records = trials(paths, item.key)
        replace_text(self.file("csv", item, ".csv"), table(records))
        replace_text(self.file("json", item, ".json"), json.dumps(records) + "\n")

    def read(self, item: Item) -> list[dict[str, Any]]:
        """The records of an image that is done."""
        records: list[dict[str, Any]] = json.loads(self.file("json", item, ".json").read_text())
        return records

    def join(self, items: Iterator[Item] | Sequence[Item]) -> None:
        """Write ``scanpaths.json`` and ``scanpaths.csv`` of all images, one image at a time."""
        parts = [part_of(self.root / name) for name in ("scanpaths.json", "scanpaths.csv")]
        with parts[0].open("w", encoding="utf-8") as whole, parts[1].open("w") as rows:
            between = "[\n"
            for index, item in enumerate(items):
                records = self.read(item)
                rows.write(table(records, header=index == 0))
                for record in records:
                    whole.write(between + json.dumps(record))
                    between = ",\n"
            whole.write("[]\n" if between == "[\n" else "\n]\n")
        parts[0].replace(self.root / "scanpaths.json")
        parts[1].replace(self.root / "scanpaths.csv")

    def refuse(self, failures: Sequence[Failure]) -> None:
        """List what could not be read in ``unreadable.csv``; without any, remove the list."""
        listing = self.root / "unreadable.csv"
        if not failures:
            listing.unlink(missing_ok=True)
            return
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("file", "reason"))
        writer.writerows((shown(failure.path), failure.reason) for failure in failures)
        replace_text(listing, text.getvalue())


def part_of(target: Path) -> Path:
    """The name that a file has until it is whole."""
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def replace_text(target: Path, text: str) -> None:
    """Write a text file under its final name only once it is whole; folders are made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(target)
    part.write_text(text, encoding="utf-8")
    part.replace(target)
