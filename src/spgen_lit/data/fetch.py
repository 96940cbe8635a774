"""Download public sets: resumed, checked against checksums, named only when whole."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import zipfile
import zlib
from pathlib import Path

import requests
from rich.progress import Progress

from spgen_lit.data.catalogue import CATALOGUE, Download
from spgen_lit.files import file_hash, write_json

MARK = ".fetched.json"
_CHUNK = 1 << 16
_LITTER = ("__MACOSX", ".DS_Store", ".svn")


class FetchError(Exception):
    """A set that cannot be downloaded; the message says why and what to do."""


def fetch(name: str, folder: str | Path, mirror: str | None = None) -> Path:
    """Download and unpack a set of the catalogue.

    What was unpacked before is not downloaded again. A broken download goes on where it
    stopped, also in a later call. Archives are unpacked aside and moved in file by file.

    Args:
        name: Name in the catalogue.
        folder: Where the set's files go.
        mirror: Address of a folder that serves the same files under their names here.

    Returns:
        The folder.

    Raises:
        FetchError: For a set without open downloads (says where to ask), an address that
            does not answer or answers with an error, or a wrong checksum.
        KeyError: For an unknown name.
    """
    entry = CATALOGUE[name]
    if not entry.downloads:
        raise FetchError(f"{name} cannot be fetched: {entry.get}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    done = _fetched(folder / MARK)
    for item in entry.downloads:
        if item.name in done:
            continue
        url = f"{mirror.rstrip('/')}/{item.name}" if mirror else item.url
        packed = folder / item.name
        try:
            md5 = download(url, packed, item.md5)
        except FetchError as error:
            raise FetchError(f"{error}. See also: {entry.get}") from error
        unpack(packed, folder, item)
        done[item.name] = md5
        write_json(folder / MARK, done, indent=1)
        packed.unlink()
    return folder


def download(
    url: str, path: Path, md5: str | None = None, tries: int = 5, wait: float = 1.0
) -> str:
    """Download one file; it has its name only once it is whole and its checksum right.

    Until then it is ``<name>.part``, from which a later call goes on if the server's file is
    the same (ETag, date) and it can send the rest.

    Args:
        url: Where it is.
        path: Where it goes.
        md5: Its checksum, if known.
        tries: Attempts.
        wait: Seconds before the second attempt, doubled each time.

    Returns:
        The file's MD5.

    Raises:
        FetchError: Saying what the server answered or which checksum was found.
    """
    if path.is_file() and md5 is not None and file_hash(path, "md5") == md5:
        return md5
    partial, tag = (path.with_name(f"{path.name}.{ending}") for ending in ("part", "part-tag"))
    trouble = ""
    for attempt in range(tries):
        if attempt:
            time.sleep(wait * 2 ** (attempt - 1))
        try:
            _receive(url, partial, tag)
            break
        except requests.HTTPError as error:
            assert error.response is not None
            code = error.response.status_code
            trouble = f"the server answers {code} {error.response.reason}"
            if code == 416:  # more on disk than the server has: not the same file
                partial.unlink(missing_ok=True)
            elif code < 500 and code not in (408, 429):
                raise FetchError(
                    f"{url}: {trouble}; the file may have moved: look for it by hand, or give "
                    "--mirror"
                ) from error
        except OSError as error:  # requests' own errors are of this kind
            trouble = str(error) or type(error).__name__
    else:
        raise FetchError(
            f"{url}: not whole after {tries} attempts ({trouble}); what came is kept in {partial} "
            "and the next call goes on from there"
        )
    tag.unlink(missing_ok=True)
    found = file_hash(partial, "md5")
    if md5 is not None and found != md5:
        partial.unlink()
        raise FetchError(
            f"{url}: wrong checksum, MD5 {found} instead of {md5}; the file was refused and "
            "removed: damaged on the way, or changed by its authors"
        )
    partial.replace(path)
    return found


def unpack(packed: Path, folder: Path, item: Download) -> None:
    """Unpack a zip aside, then move its files in; GitHub's single top folder is left out.

    Raises:
        FetchError: If the file is no whole zip file (it is removed), is encrypted or packed
            in a way that Python does not know, or unpacks to more than 20 times its size and
            1 GiB, or ``SPGEN_MAX_UNPACKED_GB``.
    """
    draft = Path(tempfile.mkdtemp(prefix=".unpack-", dir=folder))
    try:
        with zipfile.ZipFile(packed) as content:
            names = [n for n in content.namelist() if not set(n.split("/")) & set(_LITTER)]
            _refuse_bomb(packed, sum(content.getinfo(name).file_size for name in names))
            content.extractall(draft, names)
        tops = list(draft.iterdir())
        github = item.name.endswith("-master.zip") and len(tops) == 1
        root = tops[0] if github else draft
        for file in sorted(path for path in root.rglob("*") if path.is_file()):
            inner = file.relative_to(root)
            if item.keep and inner.parts[0] not in item.keep:
                continue
            (folder / inner).parent.mkdir(parents=True, exist_ok=True)
            file.replace(folder / inner)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        packed.unlink(missing_ok=True)
        raise FetchError(f"{packed}: not a whole zip file ({error}); fetch it again") from error
    except (RuntimeError, NotImplementedError, UnicodeError) as error:
        raise FetchError(
            f"{packed}: cannot be unpacked ({error}); unpack it by hand into {folder}"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _refuse_bomb(packed: Path, size: int) -> None:
    limit = os.environ.get("SPGEN_MAX_UNPACKED_GB")
    bytes_packed = packed.stat().st_size
    most = float(limit) * 2**30 if limit else max(20 * bytes_packed, 2**30)
    if size > most:
        raise FetchError(
            f"{packed}: {bytes_packed / 2**20:.1f} MiB would unpack to {size / 2**30:.1f} GiB, at "
            f"most {most / 2**30:.1f}; set SPGEN_MAX_UNPACKED_GB if that is right"
        )


def _fetched(mark: Path) -> dict[str, str]:
    """Names and checksums of what was unpacked before."""
    if not mark.is_file():
        return {}
    try:
        return {str(name): str(md5) for name, md5 in json.loads(mark.read_bytes()).items()}
    except (ValueError, AttributeError) as error:
        raise FetchError(f"{mark}: damaged ({error}); remove it to fetch the set again") from error


def _receive(url: str, partial: Path, tag: Path) -> None:
    """Receive the rest of a file; raises OSError where it does not come whole."""
    start = partial.stat().st_size if partial.is_file() else 0
    version = tag.read_text(encoding="utf-8") if tag.is_file() else ""
    headers = {"User-Agent": "spgen-lit", "Accept-Encoding": "identity"}
    if start and version:
        headers |= {"Range": f"bytes={start}-", "If-Range": version}
    with requests.get(url, headers=headers, stream=True, timeout=60) as answer:
        answer.raise_for_status()
        if answer.status_code != 206:
            start = 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length else None
        free = shutil.disk_usage(partial.parent).free
        if total is not None and total - start > free:
            raise FetchError(f"{url}: {total} bytes needed and {free} left on the disk")
        # Only a strong tag or a date proves that the rest belongs to the same file.
        strong = answer.headers.get("ETag", "W/")
        dated = answer.headers.get("Last-Modified", "")
        tag.write_text(dated if strong.startswith("W/") else strong, encoding="utf-8")
        silent = not sys.stdout.isatty()
        with partial.open("ab" if start else "wb") as file, Progress(disable=silent) as bar:
            task = bar.add_task(partial.stem, total=total, completed=start)
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                bar.advance(task, len(chunk))
    if total is not None and partial.stat().st_size != total:
        raise OSError(f"the connection ended before {total} bytes had come")
