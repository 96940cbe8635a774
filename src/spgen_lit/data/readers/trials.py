"""COCO-style trials in JSON: name, subject, X, Y, T in ms, split."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spgen_lit.data.readers.base import Problems
from spgen_lit.scanpath import Array

_SPLITS = {"train": "train", "valid": "val", "val": "val", "validation": "val", "test": "test"}


@dataclass(frozen=True)
class Trial:
    """One trial as it stands in the file.

    Attributes:
        where: File, number and name of the trial, for messages.
        name: File name of the image.
        observer: The person; numbers get two digits, so that they sort.
        split: ``train``, ``val``, ``test``, or empty.
        content: Every field of the trial.
    """

    where: str
    name: str
    observer: str
    split: str
    content: dict[str, Any]

    def fixations(self) -> tuple[Array, Array | None]:
        """Places ``(fixation, 2)`` in the file's px, durations in seconds or None.

        Raises:
            ValueError: Naming a field that is missing, not numeric, or of another length.
        """
        content = self.content
        try:
            x, y = (np.asarray(content[key], np.float64).ravel() for key in ("X", "Y"))
            t = content.get("T")
            ms = None if t is None else np.asarray(t, np.float64).ravel()
        except KeyError as error:
            raise ValueError(f"the field {error} is missing") from error
        except (TypeError, ValueError) as error:
            raise ValueError(f"X, Y and T must be lists of numbers ({error})") from error
        found = {"X": len(x), "Y": len(y)} | ({} if ms is None else {"T": len(ms)})
        if "length" in content:
            found["length"] = int(content["length"])
        if len(set(found.values())) > 1:
            raise ValueError(f"fields must be equally long, found {found}")
        return np.column_stack([x, y]), None if ms is None else ms / 1000


def load_trials(table: Path, problems: Problems) -> Iterator[Trial]:
    """Trials of a JSON file, in its order; what is no trial is reported.

    Raises:
        ValueError: If the file is no JSON list.
    """
    try:
        content = json.loads(table.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{table}: not readable as JSON ({error})") from error
    if not isinstance(content, list):
        raise ValueError(f"{table}: needs a list of trials, found {type(content).__name__}")
    for number, item in enumerate(content):
        where = f"{table}: trial {number}"
        if not isinstance(item, dict) or not item.get("name"):
            problems.add(where, "needs an object with the field name (the image's file)")
            continue
        subject = item.get("subject", "")
        observer = f"{subject:02d}" if isinstance(subject, int) else str(subject)
        split = str(item.get("split", "") or "")
        if split and split not in _SPLITS:
            problems.add(where, f"split must be one of {', '.join(_SPLITS)}, found {split!r}")
            continue
        named = f"{where} ({item['name']}, subject {subject})"
        yield Trial(named, str(item["name"]), observer, _SPLITS.get(split, ""), item)


def sort_splits(
    members: Mapping[str, list[str]], problems: Problems, where: str | Path
) -> dict[str, tuple[str, ...]]:
    """Image ids of each split, sorted; an image in two splits is reported, and kept in one."""
    splits: dict[str, tuple[str, ...]] = {}
    taken: dict[str, str] = {}
    for split in ("test", "val", "train"):  # an image once tested on is never trained on
        ids = sorted(set(members.get(split, [])))
        for image in ids:
            if image in taken:
                problems.add(where, f"image {image} is in both splits {taken[image]} and {split}")
        kept = tuple(image for image in ids if image not in taken)
        taken.update(dict.fromkeys(kept, split))
        if kept:
            splits[split] = kept
    return dict(reversed(splits.items()))
