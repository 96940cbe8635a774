"""Files that are kept: whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from spgen_lit.files import WriteError, atomic, cell, shown, write_csv, write_json, write_text


def test_a_file_appears_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = write_json(tmp_path / "new" / "a.json", {"a": 1})
    assert json.loads(file.read_text()) == {"a": 1}
    assert [p.name for p in file.parent.iterdir()] == ["a.json"]
    assert file.stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_a_failure_keeps_the_file_before(tmp_path: Path) -> None:
    file = write_text(tmp_path / "a.txt", "before")
    with pytest.raises(RuntimeError), atomic(file) as part:
        part.write_text("half")
        assert part.parent == file.parent and part.suffix == ".txt"
        raise RuntimeError
    assert file.read_text() == "before" and len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    file = write_text(tmp_path / "a.txt", "before")
    full = pytest.raises(WriteError, match=r"a\.txt: cannot be written \(No space left")
    with full as caught, atomic(file) as part:
        part.symlink_to("/dev/full")
        part.write_text("x" * 100_000)
    assert "\n" not in str(caught.value)
    assert file.read_text() == "before" and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="file"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_odd_names_and_formulas_in_tables(tmp_path: Path) -> None:
    rows = [{"image": "=1+1.jpg", "x": -0.5}, {"image": os.fsdecode(b"caf\xe9.jpg"), "x": "-1e3"}]
    with write_csv(tmp_path / "a.csv", rows).open(encoding="utf-8", newline="") as lines:
        read = list(csv.DictReader(lines))
    assert [row["image"] for row in read] == ["'=1+1.jpg", r"caf\udce9.jpg"]
    assert [row["x"] for row in read] == ["-0.5", "-1e3"]
    assert cell("-nan") == "-nan" and cell("@a") == "'@a" and cell(None) is None


def test_names_are_shown_on_one_line() -> None:
    assert shown("a\nb\x1b[31m") == r"a\nb\x1b[31m"
    assert shown(os.fsdecode(b"caf\xe9")) == r"caf\xe9"
    assert shown("café 猫") == "café 猫"


def test_very_long_names_are_written(tmp_path: Path) -> None:
    assert write_text(tmp_path / ("n" * 250 + ".txt"), "x").is_file()


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
