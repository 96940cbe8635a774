"""Reading in another process: libraries in C crash, or take all memory, on damaged files."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
_SECONDS, _SECONDS_PER_MB = 15.0, 4.0  # for each item of a file
_MEMORY, _MEMORY_PER_BYTE = 2 << 30, 40  # bytes of the address space
_NEXT = "damaged? fetch or convert it again, or allow more time and memory by SPGEN_READ_LIMIT=2"
_IDLE: dict[int, list[subprocess.Popen[bytes]]] = {}  # by our process: a fork shares pipes


def guarded(function: Callable[[Path], Iterable[T]], path: Path, kind: str = "data") -> Iterator[T]:
    """The items that a function of a module gives for a file, called in a limited process.

    The process may take 2 GiB and 40 times the file's size of memory (where the system can
    limit it), and 15 s and 4 s a MB for each item; ``SPGEN_READ_LIMIT`` multiplies both.

    Args:
        function: Called with the path.
        path: The file.
        kind: What it should be, for the message.

    Raises:
        ValueError: Whatever went wrong, naming the file.
        ImportError: If a library is missing.
    """
    factor = float(os.environ.get("SPGEN_READ_LIMIT", "1"))
    size = path.stat().st_size
    memory = int(factor * (_MEMORY + _MEMORY_PER_BYTE * size))
    seconds = factor * (_SECONDS + _SECONDS_PER_MB * size / 1e6)
    process = _process()
    done = False
    try:
        # The process may have begun in another folder than the one a relative path is of.
        _send(process.stdin, (Path.cwd(), memory, function, path, kind))
        while True:
            done, content = _receive(process, path, seconds)
            if done:
                break
            yield content
    finally:
        if done:
            _IDLE[os.getpid()].append(process)
        else:
            process.kill()
            process.wait()
    if isinstance(content, Exception):
        raise content


def _process() -> subprocess.Popen[bytes]:
    idle = _IDLE.setdefault(os.getpid(), [])
    while idle:
        process = idle.pop()
        if process.poll() is None:
            return process
    return subprocess.Popen(
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # each thread takes address space
        start_new_session=True,  # Ctrl-C is ours to heed
    )


def _send(stream: Any, content: object) -> None:
    stream.write(pickle.dumps(content))
    stream.flush()


def _receive(process: subprocess.Popen[bytes], path: Path, seconds: float) -> tuple[bool, Any]:
    """Whether it was the last answer, and an item, or what the function raised."""
    assert process.stdout is not None
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        done, content = pickle.load(process.stdout)
    except (EOFError, pickle.UnpicklingError) as error:
        code = process.wait()
        found = f"took over {seconds:.0f} s" if code == -9 else f"crashed (exit code {code})"
        raise ValueError(f"{path}: reading it {found}; {_NEXT}") from error
    finally:
        timer.cancel()
    return done, content


def _serve() -> None:
    """Answer requests until there are no more."""
    with suppress(EOFError):
        while True:
            folder, memory, function, path, kind = pickle.load(sys.stdin.buffer)
            os.chdir(folder)
            with suppress(ImportError):  # on Windows nothing limits it
                import resource

                _, hard = resource.getrlimit(resource.RLIMIT_AS)
                soft = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
                resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
            end: Exception | None = None
            try:
                for item in function(path):
                    _send(sys.stdout.buffer, (False, item))
            except ImportError as error:
                end = ImportError(str(error))
            except Exception as error:  # libraries raise dozens of kinds on damaged files
                message = str(error)
                if isinstance(error, MemoryError):
                    message = f"{path}: needs over {memory / 2**30:.1f} GiB of memory; {_NEXT}"
                elif str(path) not in message:
                    message = f"{path}: not a readable {kind} file ({error!r})"
                end = ValueError(message)
            _send(sys.stdout.buffer, (True, end))


if __name__ == "__main__":
    _serve()
