"""Scores in training: equal to the functions, over any number of updates and processes."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing

from spgen_lit import metrics
from spgen_lit.metrics.collection import OBSERVERS, VALUES, ImageScores, image_scores

SCREEN = (800, 600)


def paths(seed: int, count: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.uniform(0, 1, (random.integers(1, 12), 2)) for _ in range(count)]


def test_values_of_an_image_are_those_of_the_metrics() -> None:
    samples, observers = paths(0, 4), paths(1, 5)
    found = image_scores(samples, observers, SCREEN)
    ours, theirs = ([path * SCREEN for path in side] for side in (samples, observers))
    to = metrics.cross(metrics.scanmatch, ours, theirs, screen=SCREEN)
    inside = metrics.within(metrics.scanmatch, ours, screen=SCREEN)
    among = metrics.within(metrics.scanmatch, theirs, screen=SCREEN)
    assert tuple(found) == (*VALUES, *OBSERVERS)
    assert found["scanmatch"] == pytest.approx(to.mean())
    assert found["energy"] == pytest.approx(metrics.energy_score(1 - to, 1 - inside).mean())
    assert found["observers_energy"] == pytest.approx(
        metrics.leave_one_out_energy(1 - among).mean()
    )
    assert found["observers_scanmatch"] == pytest.approx(np.nanmean(among))
    sides = (np.concatenate(side).std(axis=0).mean() for side in (samples, observers))
    assert found["spread"] == pytest.approx(next(sides) / next(sides))
    grid = (64, 48)
    density = metrics.fixation_density(np.concatenate(samples) * grid, grid, 0.045 * 48)
    expected = metrics.nss(np.concatenate(observers) * grid, density)
    assert found["nss"] == pytest.approx(expected)


def test_observers_are_scored_against_the_others_only() -> None:
    lone = image_scores(paths(0, 4), paths(1, 1), SCREEN)
    assert all(np.isnan(lone[name]) for name in OBSERVERS)
    assert np.isfinite(lone["energy"])
    same = [np.full((3, 2), 0.2)] * 2 + [np.full((3, 2), 0.8)] * 2
    # Each has one other at its place and two elsewhere.
    assert image_scores(paths(0, 4), same, SCREEN)["observers_nss"] > 0


def rows() -> list[dict[str, float]]:
    """Seven images, some without a level of observers."""
    return [image_scores(paths(i, 3), paths(90 + i, 1 + i % 3), SCREEN) for i in range(7)]


def join(rank: int, port: int, folder: str) -> None:
    """One of two processes: takes every second image."""
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", world_size=2, rank=rank)
    torch.set_num_threads(1)
    scores = ImageScores()
    for values in rows()[rank::2]:
        scores.update(values)
    torch.save(scores.compute(), Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(join, args=(port, str(tmp_path)), nprocs=2)
    names = (*VALUES, *OBSERVERS)
    table = np.array([[values[name] for name in names] for values in rows()])
    expected = np.nanmean(table, axis=0)
    for rank in (0, 1):
        found = torch.load(tmp_path / f"{rank}.pt")
        assert [found[name].item() for name in names] == pytest.approx(list(expected))
