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
_SECONDS, _SECONDS_PER_MB = 20.0, 4.0  # for each item of a file
_MEMORY, _MEMORY_PER_BYTE = 2 << 30, 40  # bytes of the address space
_IDLE: dict[int, list[subprocess.Popen[bytes]]] = {}  # by our process: a fork shares pipes


def guarded(function: Callable[[Path], Iterable[T]], path: Path) -> Iterator[T]:
    """The items that a function of a module gives for a file, called in a limited process.

    The process may take 2 GiB and 40 times the file's size of memory (where the system can
    limit it), and 20 s and 4 s a MB for each item; ``SPGEN_READ_LIMIT`` multiplies both.

    Args:
        function: Called with the path.
        path: The file.

    Raises:
        ValueError: Whatever went wrong, naming the file.
        ImportError: If a library is missing.
    """
    factor = float(os.environ.get("SPGEN_READ_LIMIT", "1"))
    size = path.stat().st_size
    memory = int(factor * (_MEMORY + _MEMORY_PER_BYTE * size))
    seconds = factor * (_SECONDS + _SECONDS_PER_MB * size / 1e6)
    process = _process()
    whole = False
    try:
        _send(process.stdin, (memory, function, path))
        kind, value = _receive(process, path, seconds)
        while kind == "item":
            yield value
            kind, value = _receive(process, path, seconds)
        whole = True
    finally:
        if whole:
            _IDLE[os.getpid()].append(process)
        else:
            process.kill()
            process.wait()
    if kind == "missing":
        raise ImportError(value)
    if kind == "memory":
        raise ValueError(
            f"{path}: cannot read it within {memory / 2**30:.1f} GiB of memory ({value}); fetch or "
            "convert it again, or allow more by SPGEN_READ_LIMIT=2"
        )
    if kind == "error":
        raise ValueError(value if str(path) in value else f"{path}: {value}")


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


def _receive(process: subprocess.Popen[bytes], path: Path, seconds: float) -> tuple[str, Any]:
    assert process.stdout is not None
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        kind, value = pickle.load(process.stdout)
    except (EOFError, pickle.UnpicklingError) as error:
        code = process.wait()
        found = f"took over {seconds:.0f} s" if code == -9 else f"crashed (exit code {code})"
        raise ValueError(
            f"{path}: reading it {found}: damaged? fetch or convert it again, or allow more time "
            "and memory by SPGEN_READ_LIMIT=2"
        ) from error
    finally:
        timer.cancel()
    return kind, value


def _serve() -> None:
    """Answer requests until there are no more."""
    answers = sys.stdout.buffer
    with suppress(EOFError):
        while True:
            memory, function, path = pickle.load(sys.stdin.buffer)
            _limit(memory)
            try:
                for item in function(path):
                    _send(answers, ("item", item))
                _send(answers, ("end", ""))
            except ImportError as error:
                _send(answers, ("missing", str(error)))
            except MemoryError as error:
                _send(answers, ("memory", str(error)))
            except Exception as error:  # libraries raise dozens of kinds on damaged files
                named = "" if type(error) is ValueError else f"{type(error).__name__}: "
                _send(answers, ("error", f"{named}{error}"))


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        memory = min(memory, hard)
    resource.setrlimit(resource.RLIMIT_AS, (memory, hard))


if __name__ == "__main__":
    _serve()
