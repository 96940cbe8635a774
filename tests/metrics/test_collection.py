"""The torchmetrics classes: equal to the functions, over any number of updates and processes."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing

from spgen_lit import metrics
from spgen_lit.metrics.collection import MeanNSS, MeanScanMatch, PairMean, ValueMean

SCREEN = (800, 600)


def some_pairs() -> tuple[list[np.ndarray], list[np.ndarray]]:
    random = np.random.default_rng(0)
    made = [random.uniform(0, 1, (random.integers(1, 12), 3)) * (800, 600, 0.6) for _ in range(46)]
    return made[:23], made[23:]


def test_batches_give_the_mean_over_all_pairs() -> None:
    a, b = some_pairs()
    scan = MeanScanMatch(screen=SCREEN, temp_bin=0.05)
    shape = PairMean(metrics.multimatch, size=5, screen=SCREEN)
    for start in (0, 5, 6):
        stop = {0: 5, 5: 6, 6: 23}[start]
        scan.update(a[start:stop], b[start:stop])
        shape.update(a[start:stop], b[start:stop])
    expected = metrics.scanmatch(a, b, SCREEN, temp_bin=0.05).mean()
    assert float(scan.compute()) == pytest.approx(expected, abs=1e-12)
    rows = metrics.multimatch(a, b, SCREEN)
    np.testing.assert_allclose(shape.compute().numpy(), np.nanmean(rows, axis=0), atol=1e-12)
    assert shape.missing.tolist() == np.isnan(rows).sum(0).tolist()
    assert shape.missing[0] > 0
    shape.reset()
    with pytest.warns(UserWarning, match="before the ``update``"):
        assert shape.compute().isnan().all()


def test_nss_counts_images_not_fixations() -> None:
    saliency = np.random.default_rng(1).uniform(size=(60, 80))
    one, many = [[10.0, 10.0]], [[20.0, 30.0]] * 9
    metric = MeanNSS()
    metric.update(one, saliency)
    metric.update(many, saliency)
    metric.update([], saliency)
    expected = (metrics.nss(one, saliency) + metrics.nss(many, saliency)) / 2
    assert float(metric.compute()) == pytest.approx(expected)
    assert metric.missing.item() == 1


def test_values_of_the_wrong_width_are_refused() -> None:
    with pytest.raises(ValueError, match=r"5 values, found shape \(2, 4\)"):
        ValueMean(size=5).update(np.zeros((2, 4)))


def join(rank: int, port: int, folder: str) -> None:
    """One of two processes: takes every second pair, and the second one updates no NSS at all."""
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", world_size=2, rank=rank)
    torch.set_num_threads(1)
    a, b = some_pairs()
    scan = MeanScanMatch(screen=SCREEN)
    rows = PairMean(metrics.multimatch, size=5, screen=SCREEN)
    image = MeanNSS()
    for metric in (scan, rows):
        metric.update(a[rank::2], b[rank::2])
    if rank == 0:
        image.update([[1.0, 2.0]], np.arange(12.0).reshape(3, 4))
    result = {
        "scan": scan.compute(),
        "rows": rows.compute(),
        "nss": image.compute(),
        "local": scan.total,
    }
    torch.save(result, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(join, args=(port, str(tmp_path)), nprocs=2)
    a, b = some_pairs()
    for rank in (0, 1):
        found = torch.load(tmp_path / f"{rank}.pt")
        expected = metrics.scanmatch(a, b, SCREEN)
        assert float(found["scan"]) == pytest.approx(expected.mean(), abs=1e-12)
        np.testing.assert_allclose(
            found["rows"].numpy(), np.nanmean(metrics.multimatch(a, b, SCREEN), 0), atol=1e-12
        )
        assert float(found["nss"]) == metrics.nss([[1.0, 2.0]], np.arange(12.0).reshape(3, 4))
        assert found["local"].item() == pytest.approx(expected[rank::2].sum())
