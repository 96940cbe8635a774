"""Killed at random and gone on with: the same run as one that nobody touched (make test-faults)."""

from __future__ import annotations

import copy
import csv
import functools
import json
import os
import random
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from spgen_lit.config import CONFIG_DIR, one_line_errors
from spgen_lit.training import scoring
from spgen_lit.training.run import run

pytestmark = pytest.mark.faults

TINY = (
    "+experiment=smoke",
    "data.source.gallery.images=16",
    "data.target.gallery.images=8",
    "++data.source.gallery.size=[96,64]",
    "++data.target.gallery.size=[96,64]",
    "network/encoder=custom",
    "network.encoder._target_=tests.small_encoder.Small",
    "network.frame=[64,64]",
    "network.channels=8",
    "data.val=0.4",
    "data.batch_size=3",
    "trainer.max_epochs=3",
    "trainer.log_every_n_steps=1",
    "optimizer.lr=2e-3",
    "callbacks.progress=null",
    "~callbacks.domain_monitor",
    "evaluation.pictures=0",
    "evaluation.metrics=[scanmatch,energy]",
)
RANKS = ("trainer.accelerator=cpu", "trainer.devices=2", "trainer.strategy=ddp")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
CODES = {signal.SIGKILL: {-9, 0}, signal.SIGTERM: {143, -15, 0}, signal.SIGINT: {130, -2, 0}}


@functools.cache
def _settings(overrides: tuple[str, ...]) -> DictConfig:
    with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
        return compose("train", [*overrides, "paths.output_dir=x", "trust=[tests]"])


def _composed(folder: Path, words: tuple[str, ...]) -> DictConfig:
    """The configuration of a run; that of a resumed one differs in its checkpoint alone."""
    resumed = [word.partition("=")[2] for word in words if word.startswith("ckpt_path=")]
    config = copy.deepcopy(_settings(tuple(w for w in words if not w.startswith("ckpt_path="))))
    config.paths.output_dir = str(folder)
    config.paths.cache_dir = str(folder.parent / "cache")
    config.ckpt_path = resumed[0] if resumed else None
    return config


class Run:
    """One training in a process (two with ranks) of its own session, its output in a file.

    It is forked from this one, which has imported everything: that spares most of the time.
    """

    def __init__(self, folder: Path, *overrides: str) -> None:
        self.output = folder.parent / f"{folder.name}.txt"
        self.pid = os.fork()
        if not self.pid:
            os.setsid()
            if RANKS[0] in overrides:
                with socket.socket() as free:
                    free.bind(("127.0.0.1", 0))
                    port = free.getsockname()[1]
                os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
                os.environ["LOCAL_RANK"] = "0" if os.fork() else "1"
            self._train(folder, list(overrides))

    def _train(self, folder: Path, words: list[str]) -> NoReturn:
        code: Any = 1
        try:
            handle = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            sys.stdout, sys.stderr = (os.fdopen(n, "w", buffering=1) for n in (1, 2))
            os.chdir(folder.parent)
            sys.argv = ["train", *words]
            folder.mkdir(exist_ok=True)
            with one_line_errors():
                run(_composed(folder, tuple(words)))
            code = 0
        except SystemExit as error:
            code = error.code or 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code if isinstance(code, int) else 1)

    def wait(self, seconds: float = 900) -> int | None:
        """Exit code, negative for a signal; None if it still runs after so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        return None


def _finish(folder: Path, *overrides: str) -> None:
    cut = Run(folder, *overrides)
    assert cut.wait() == 0, cut.output.read_text()[-3000:]


def _state(folder: Path) -> dict[str, Any]:
    """What must be the same: weights, best checkpoint, rows and summary, times aside."""
    last, best = (
        torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
        for name in ("last", "best")
    )
    with (folder / "metrics.csv").open() as lines:
        rows = [{k: v for k, v in row.items() if v} for row in csv.DictReader(lines)]
    summary = json.loads((folder / "summary.json").read_text())
    for name in ("seconds", "command"):
        summary.pop(name, None)
    return {
        "last": last["state_dict"],
        "current": last["current_model_state"],
        "best": best["state_dict"],
        "steps": (last["global_step"], best["global_step"]),
        "rows": rows,
        "summary": summary,
    }


def _differences(one: Any, other: Any, at: str = "") -> list[str]:
    if isinstance(one, torch.Tensor):
        return [] if torch.equal(one, other) else [at]
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return [f"{at}: {sorted(one.keys() ^ other.keys())[:4]}"]
        return [d for key in one for d in _differences(one[key], other[key], f"{at}/{key}")]
    if isinstance(one, list):
        if len(one) != len(other):
            return [f"{at}: {len(one)} and {len(other)}"]
        pairs = zip(one, other, strict=True)
        return [d for n, (a, b) in enumerate(pairs) for d in _differences(a, b, f"{at}[{n}]")]
    return [] if one == other else [f"{at}: {one} and {other}"]


def _kill(folder: Path, number: int, overrides: tuple[str, ...], length: float) -> str:
    """Start a run, end it at a random moment, and go on until it is finished."""
    rng = random.Random(number)
    sign = SIGNALS[number % len(SIGNALS)]
    cut = Run(folder, *overrides)
    code = cut.wait(rng.uniform(0.1, 1.0) * length)
    if code is None:
        # A scheduler ends all processes of a job; a terminal's Ctrl-C reaches all of them too.
        os.killpg(cut.pid, sign)
        code = cut.wait()
    assert code in CODES[sign], f"{sign.name}: {code}\n{cut.output.read_text()[-2000:]}"
    last = folder / "checkpoints" / "last.ckpt"
    resume = (f"ckpt_path={last}",) if last.is_file() else ()
    if not (folder / "summary.json").is_file():
        _finish(folder, *overrides, *resume)
    return f"{sign.name} exit {code}, {'resumed' if resume else 'from the start'}"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A folder on the system's temporary folder's file system and one on another."""
    # What is left out is not compared.
    scoring.training_curves = lambda *_: None
    torch.set_num_threads(1)
    shm = Path("/dev/shm") / f"spgen-{os.getpid()}"
    shm.mkdir(parents=True, exist_ok=True)
    return [tmp_path_factory.mktemp("same"), shm]


@pytest.mark.parametrize(("ranks", "tries"), [(1, 36), (2, 14)])
@pytest.mark.timeout(7200)
def test_a_run_that_is_killed_ends_as_one_that_is_not(
    folders: list[Path], ranks: int, tries: int
) -> None:
    tries = int(os.environ.get("SPGEN_KILLS", tries))
    overrides = TINY + (RANKS if ranks == 2 else ())
    _settings(overrides)  # composed before processes are forked
    _finish(folders[0] / f"warm-{ranks}", *overrides)  # fills caches, for the next is timed
    begin = time.monotonic()
    _finish(folders[0] / f"whole-{ranks}", *overrides)
    length = time.monotonic() - begin
    whole = _state(folders[0] / f"whole-{ranks}")
    lost = []
    for number in range(tries):
        folder = folders[number % 2] / f"cut-{ranks}-{number}"
        what = _kill(folder, number, overrides, length)
        found = _differences(whole, _state(folder))
        print(f"{ranks} ranks, try {number}: {what}: {found[:3] or 'the same'}", flush=True)
        if found:
            lost.append((number, what, found[:5]))
    assert not lost
