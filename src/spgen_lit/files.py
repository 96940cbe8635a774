"""Writing files that are kept: whole under their name or not at all, on the disk when done."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class WriteError(OSError):
    """A file that cannot be written; the message names it and the reason."""


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path``, which takes its place when the block ends well.

    The temporary file lies in the same folder (made if absent), so that the last step is a
    rename on one file system, and ends in the same suffix. It is synced before it is renamed
    and removed if the block fails; the file that had the name stays as it was.

    Raises:
        WriteError: Naming ``path``, if the disk is full or may not be written.
    """
    path = Path(path)
    part = path.with_name(f"{part_prefix(path)}{secrets.token_hex(4)}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except WriteError:
        raise
    except OSError as error:
        raise WriteError(
            f"{shown(path)}: cannot be written ({error.strerror or error}); free some space or "
            "choose another folder"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def part_prefix(path: Path) -> str:
    """What names of temporary files of ``path`` begin with; a killed process leaves one."""
    return f".{path.name[:40]}."


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write a file whole; see :func:`atomic`."""
    with atomic(path) as part:
        part.write_bytes(content)
    return Path(path)


def write_text(path: str | Path, text: str) -> Path:
    """Write UTF-8 text whole; what is no text (odd bytes of file names) is escaped."""
    return write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: str | Path, content: Any, indent: int | None = 2) -> Path:
    """Write JSON whole."""
    return write_text(path, json.dumps(content, indent=indent) + "\n")


def write_csv(
    path: str | Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] | None = None
) -> Path:
    """Write rows as CSV whole; text that a spreadsheet would run as a formula is quoted by ``'``.

    Args:
        path: The file.
        rows: Column to value; absent columns stay empty.
        columns: In their order; None for those of the first row.
    """
    rows = list(rows)
    text = io.StringIO(newline="")
    names = list(columns if columns is not None else rows[0] if rows else [])
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: cell(value) for key, value in row.items()} for row in rows)
    return write_text(path, text.getvalue())


def file_hash(path: str | Path, algorithm: str = "sha256") -> str:
    """Hash of a file's content, in hexadecimal."""
    with Path(path).open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()


def cell(value: Any) -> Any:
    """A value as a cell of a table: text that begins like a formula gets a ``'`` before it."""
    if not isinstance(value, str) or not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def shown(text: object) -> str:
    r"""A path or other text on one line: odd bytes and control codes as ``\xNN``."""
    return "".join(map(_printable, str(text)))


def first_line(error: BaseException) -> str:
    """The first line of what an error says; its type where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _printable(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # a byte that is not UTF-8, as Python keeps it in a str
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char if char.isprintable() else char.encode("unicode_escape").decode()


def _sync_folder(folder: Path) -> None:
    """Put the rename itself on the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
