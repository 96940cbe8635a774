"""Reading W&B's transaction log: what a run would upload, without a server."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2 as proto

_BLOCK, _HEADER = 32768, 7


def records(file: Path) -> Iterator[Any]:
    """Records of a ``.wandb`` file, which is a log of LevelDB's form behind seven bytes."""
    content = file.read_bytes()
    place, parts = 7, b""
    while place + _HEADER <= len(content):
        left = _BLOCK - place % _BLOCK
        if left < _HEADER:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, place)
        parts += content[place + _HEADER : place + _HEADER + length]
        place += _HEADER + length
        if place > len(content):  # a record that is being written
            return
        if kind in (1, 4):  # whole, or the last part
            record = proto.Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


class Log:
    """One run's log.

    Attributes:
        run: Its first record: id, project, group, tags.
        config: Key to value.
        history: Rows of logged values.
        summary: Last values.
        artifacts: Artifact records.
    """

    def __init__(self, file: Path) -> None:
        self.run: Any = None
        self.config: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self.artifacts: list[Any] = []
        self.finished = False
        for record in records(file):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                self.run = record.run
                self._update(self.config, record.run.config.update)
            elif kind == "config":
                self._update(self.config, record.config.update)
            elif kind == "summary":
                self._update(self.summary, record.summary.update)
            elif kind == "history":
                self.history.append({})
                self._update(self.history[-1], record.history.item)
            elif kind == "artifact":
                self.artifacts.append(record.artifact)
            elif kind == "exit":
                self.finished = True

    @staticmethod
    def _update(target: dict[str, Any], items: Any) -> None:
        for item in items:
            key = item.key or ".".join(item.nested_key)
            target[key] = json.loads(item.value_json) if item.value_json else None

    @property
    def keys(self) -> set[str]:
        """Names of everything logged."""
        return {key for row in self.history for key in row}

    def series(self, name: str) -> list[tuple[int, float]]:
        """Steps of training and values of one metric."""
        return [(row["trainer/global_step"], row[name]) for row in self.history if name in row]


def logs(folder: Path, patience: float = 0.0) -> list[Log]:
    """Logs of all runs below a folder, oldest first.

    W&B's service closes a run's log after its process was told that the run has finished: a
    test in that process waits up to `patience` seconds for the last record.
    """
    until = time.monotonic() + patience
    while True:
        files = sorted(folder.rglob("*.wandb"), key=lambda file: file.stat().st_mtime)
        found = [Log(file) for file in files]
        if all(log.finished for log in found) or time.monotonic() >= until:
            return found
        time.sleep(0.1)
