"""The constructed models of benchmarks/improper.py fool what is not proper, and nothing else."""

from __future__ import annotations

from benchmarks.improper import compare, fooled


def test_sameness_and_sharpness_fool_means_but_not_the_energy_score() -> None:
    metrics = ["energy", "scanmatch", "multimatch_position", "nss", "cc", "congruency"]
    stars = fooled(compare(images=24, metrics=metrics))
    assert not stars.loc["energy", ["one path", "one kind", "backwards", "elsewhere"]].any()
    assert stars.loc[["scanmatch", "multimatch_position", "congruency"], "one path"].all()
    assert stars.loc["nss", "less noise"]
    assert stars.loc["cc", "backwards"]
