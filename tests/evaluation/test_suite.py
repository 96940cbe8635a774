"""The scorer: who is compared with whom, how values are averaged, what is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from simulated_people import People, make_people

from spgen_lit.evaluation.measures import FULL, MEASURES, QUICK, select
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.results import Scores
from spgen_lit.evaluation.score import score
from spgen_lit.metrics.energy import energy_score, leave_one_out_energy
from spgen_lit.metrics.multimatch import multimatch
from spgen_lit.metrics.pairs import cross, within
from spgen_lit.metrics.scanmatch import scanmatch
from spgen_lit.metrics.strings import FixationClusters, sequence_score
from spgen_lit.scanpath import Scanpath

PROTOCOL = Protocol()
SCORED = tuple(name for name in FULL if name != "information_gain")


def evaluate(samples: People, observers: People, protocol: Protocol, **options: Any) -> Scores:
    """Scores without the band."""
    return score(samples, observers, protocol, baselines=(), **options).model


def arrays(paths: list[Scanpath], screen: tuple[int, int] = (800, 600)) -> list[np.ndarray]:
    return [path.array(screen) for path in paths]


def test_every_sample_meets_every_observer(people: People) -> None:
    samples = make_people(observers=3, seed=1)
    scores = evaluate(samples, people, PROTOCOL, metrics=["energy", "scanmatch", "diversity"])
    for image in people:
        to = cross(scanmatch, arrays(samples[image]), arrays(people[image]), screen=(800, 600))
        among = within(scanmatch, arrays(samples[image]), screen=(800, 600))
        assert scores.rows.loc[image, "scanmatch"] == pytest.approx(to.mean())
        assert scores.rows.loc[image, "energy"] == pytest.approx(
            energy_score(1 - to, 1 - among).mean()
        )
        assert scores.rows.loc[image, "diversity"] == pytest.approx(1 - np.nanmean(among))
    assert scores.counts.loc["scanmatch", "comparisons"] == 6 * 3 * 5
    assert scores.notes["self_pairs"] == 0


def test_people_as_samples_are_left_out_in_turn(people: People) -> None:
    scores = evaluate(people, people, PROTOCOL, metrics="full")
    distances = [
        1 - within(scanmatch, arrays(paths), screen=(800, 600)) for paths in people.values()
    ]
    assert scores.mean("scanmatch") == pytest.approx(
        np.mean([1 - np.nanmean(d) for d in distances])
    )
    energy = np.mean([leave_one_out_energy(d).mean() for d in distances])
    assert scores.mean("energy") == pytest.approx(energy)
    assert scores.notes["self_pairs"] == 6 * 5
    assert scores.counts.loc["scanmatch", "comparisons"] == 6 * 5 * 4


def test_self_pairs_are_left_out_of_copies_too(people: People) -> None:
    copies = {
        image: [Scanpath(p.image, p.size, p.xy.copy(), p.durations, "model") for p in paths]
        for image, paths in people.items()
    }
    metrics = ["energy", "scanmatch", "nss", "congruency", "cc"]
    left_out = evaluate(people, people, PROTOCOL, metrics=metrics)
    assert np.array_equal(evaluate(copies, people, PROTOCOL, metrics=metrics).rows, left_out.rows)


def test_names_come_in_catalogue_order_and_unknown_ones_are_refused(people: People) -> None:
    assert tuple(evaluate(people, people, PROTOCOL).metrics) == SCORED
    assert set(QUICK) == {n for n in MEASURES if n.startswith("multimatch")} | {
        "energy",
        "scanmatch",
        "nss",
    }
    assert select("quick")[0] == "energy"
    assert select(["nss", "energy"]) == ("energy", "nss")
    with pytest.raises(ValueError, match=r"unknown measures multimtach.*multimatch_shape"):
        evaluate(people, people, PROTOCOL, metrics=["multimtach"])


def test_full_gives_every_measure_a_finite_value(people: People) -> None:
    results = score(make_people(seed=3), people, PROTOCOL, baselines=())
    scores = results.model
    assert scores.rows.shape == (6, len(SCORED))
    assert np.isfinite(scores.rows.to_numpy()).all()
    assert scores.counts["missing"].sum() == 0
    assert scores.whole["length_wasserstein"] >= 0
    assert scores.whole["kl_multimatch"] > 0
    low, value, high = results.frame.loc["energy", ["low", "value", "high"]]
    assert low < value < high


def test_an_image_scores_the_same_alone_or_among_others(people: People) -> None:
    samples = make_people(seed=2)
    training = [path for paths in make_people(seed=9).values() for path in paths]
    whole = evaluate(samples, people, PROTOCOL, training=training)
    for image in list(people)[:2]:
        alone = evaluate(
            {image: samples[image]}, {image: people[image]}, PROTOCOL, training=training
        )
        # RSS counts matches above the mean of all observers, so it depends on the others.
        expected = whole.rows.loc[image].drop("rss")
        found = alone.rows.loc[image].drop("rss")
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_mixed_image_sizes_are_each_scored_at_their_own(people: People) -> None:
    tall = make_people(images=2, size=(300, 900), seed=5)
    renamed = {
        f"tall-{image}": [replace_image(path, f"tall-{image}") for path in paths]
        for image, paths in tall.items()
    }
    both = evaluate(people | renamed, people | renamed, PROTOCOL, metrics=["multimatch_length"])
    a = arrays(renamed["tall-0.jpg"], (300, 900))
    expected = np.nanmean(within(multimatch, a, screen=(300, 900))[..., 2])
    assert both.rows.loc["tall-0.jpg", "multimatch_length"] == pytest.approx(expected)
    assert both.images[:6] == list(people)


def replace_image(path: Scanpath, image: str) -> Scanpath:
    return Scanpath(image, path.size, path.xy, path.durations, path.observer)


def test_screen_stretches_paths_before_comparing(people: People) -> None:
    own = evaluate(people, people, PROTOCOL, metrics=["hausdorff"])
    double = evaluate(people, people, replace(PROTOCOL, screen=(1600, 1200)), metrics=["hausdorff"])
    assert double.mean("hausdorff") == pytest.approx(2 * own.mean("hausdorff"))


def test_truncation_and_dropping_are_the_protocols(people: People) -> None:
    first = {
        image: [Scanpath(p.image, p.size, p.xy[:3], p.durations[:3], p.observer) for p in paths]
        for image, paths in people.items()
    }
    samples = make_people(seed=4)
    cut = evaluate(
        samples, people, replace(PROTOCOL, max_fixations=3), metrics=["scanmatch", "dtw"]
    )
    by_hand = evaluate(
        {
            image: [Scanpath(p.image, p.size, p.xy[:3], p.durations[:3]) for p in paths]
            for image, paths in samples.items()
        },
        first,
        PROTOCOL,
        metrics=["scanmatch", "dtw"],
    )
    np.testing.assert_array_equal(cut.rows, by_hand.rows)


def test_off_image_fixations_are_counted_and_dropped_on_request(people: People) -> None:
    image = "0.jpg"
    out = Scanpath(image, (800, 600), [[0.5, 0.5], [1.4, 0.5], [0.2, 0.2], [0.7, 0.6]])
    inside = out.on_image()
    only = {image: people[image]}
    kept = evaluate({image: [out]}, only, PROTOCOL, metrics=["dtw", "scanmatch"])
    dropped = evaluate(
        {image: [out]}, only, replace(PROTOCOL, off_image="drop"), metrics=["dtw", "scanmatch"]
    )
    assert kept.notes["off_image_fixations"] == dropped.notes["off_image_fixations"] == 1
    expected = evaluate({image: [inside]}, only, PROTOCOL, metrics=["dtw", "scanmatch"])
    np.testing.assert_array_equal(dropped.rows, expected.rows)
    assert kept.mean("dtw") > dropped.mean("dtw")


def test_comparisons_without_a_value_are_left_out_and_counted(people: People) -> None:
    short = Scanpath("0.jpg", (800, 600), [[0.1, 0.1], [0.2, 0.2]])
    longer = people["1.jpg"][0]
    sample = Scanpath("0.jpg", (800, 600), longer.xy, longer.durations)
    only = {"0.jpg": people["0.jpg"]}
    scores = evaluate({"0.jpg": [short, sample]}, only, PROTOCOL, metrics="quick")
    alone = evaluate({"0.jpg": [sample]}, only, PROTOCOL, metrics="quick")
    assert scores.counts.loc["multimatch_shape", "missing"] == 5
    assert scores.counts.loc["multimatch_shape", "comparisons"] == 10
    assert scores.mean("multimatch_shape") == alone.mean("multimatch_shape")
    assert scores.counts.loc["scanmatch", "missing"] == 0
    untimed = evaluate(
        make_people(seed=1, timed=False), people, PROTOCOL, metrics=["scanmatch_duration"]
    )
    assert untimed.rows.isna().all(axis=None)
    assert (
        untimed.counts.loc["scanmatch_duration", "missing"]
        == untimed.counts.loc["scanmatch_duration", "comparisons"]
        == 150
    )


def test_a_single_observer_has_no_people_level(people: People) -> None:
    lone = {image: paths[:1] for image, paths in people.items()}
    scores = evaluate(lone, lone, PROTOCOL)
    assert scores.rows.drop(columns="dss").isna().all(axis=None)
    assert scores.counts.loc["scanmatch", "comparisons"] == 0


def test_a_single_sample_is_a_forecast_that_never_varies(people: People) -> None:
    one = {image: paths[:1] for image, paths in make_people(seed=6).items()}
    scores = evaluate(one, people, PROTOCOL, metrics=["energy", "scanmatch", "diversity"])
    np.testing.assert_allclose(scores.rows["energy"], 1 - scores.rows["scanmatch"])
    assert np.isnan(scores.mean("diversity"))


def test_energy_prefers_people_to_sameness_while_agreement_does_not() -> None:
    random = np.random.default_rng(0)
    spread = {
        f"{i}.jpg": [
            Scanpath(f"{i}.jpg", (800, 600), random.normal(0.53, 0.05, (8, 2)).clip(0, 1))
            for _ in range(24)
        ]
        for i in range(8)
    }
    people = {image: paths[:12] for image, paths in spread.items()}
    likely = {image: paths[12:] for image, paths in spread.items()}
    middle = Scanpath("0.jpg", (800, 600), np.full((8, 2), 0.53))
    same = {image: [replace_image(middle, image)] * 12 for image in people}
    truth = evaluate(likely, people, PROTOCOL, metrics=["energy", "scanmatch"])
    sure = evaluate(same, people, PROTOCOL, metrics=["energy", "scanmatch"])
    assert sure.mean("scanmatch") > truth.mean("scanmatch")
    assert sure.mean("energy") > truth.mean("energy")


def test_different_images_are_refused_by_name(people: People) -> None:
    fewer = {image: paths for image, paths in people.items() if image != "3.jpg"}
    with pytest.raises(ValueError, match=r"no scanpaths to score .*: 3\.jpg"):
        evaluate(fewer, people, PROTOCOL)
    with pytest.raises(ValueError, match=r"observers did not look at: 3\.jpg"):
        evaluate(people, fewer, PROTOCOL)
    with pytest.raises(ValueError, match=r"empty list of paths: 2\.jpg"):
        evaluate(people | {"2.jpg": []}, people, PROTOCOL)


def test_recall_and_diversity_use_the_observers_mean(people: People) -> None:
    samples = make_people(observers=3, seed=1)
    scores = evaluate(samples, people, PROTOCOL, metrics=["sequence_score", "rss", "dss"])
    matrices, inside, among = {}, {}, {}
    for image in people:
        ours, theirs = arrays(samples[image]), arrays(people[image])
        clusters = FixationClusters.fit(theirs)
        matrices[image] = cross(sequence_score, ours, theirs, clusters=clusters)
        inside[image] = np.nanmean(within(sequence_score, ours, clusters=clusters))
        among[image] = np.nanmean(within(sequence_score, theirs, clusters=clusters))
    threshold = np.mean(list(among.values()))
    for image, matrix in matrices.items():
        row = scores.rows.loc[image]
        assert row["rss"] == (matrix > threshold).any(axis=0).mean()
        expected = matrix.mean() / (1 + abs(inside[image] - among[image]))
        assert row["dss"] == pytest.approx(expected)
    none = evaluate(samples, people, replace(PROTOCOL, rss_threshold=1.0), metrics=["rss"])
    assert none.mean("rss") == 0


def test_information_gain_takes_a_models_own_bits(people: People) -> None:
    samples = make_people(seed=1)
    bits = {image: [np.full(len(p), 3.0) for p in paths] for image, paths in people.items()}
    gains = evaluate(samples, people, PROTOCOL, log_likelihood=bits)
    assert gains.metrics[:2] == ["energy", "information_gain"]
    more = {image: [own + 1 for own in each] for image, each in bits.items()}
    raised = evaluate(samples, people, PROTOCOL, metrics=["information_gain"], log_likelihood=more)
    gain = gains.mean("information_gain")
    assert raised.mean("information_gain") == pytest.approx(gain + 1)
    # A fixation that was given, not predicted, is left out.
    given = {i: [np.append(np.nan, own[1:]) for own in each] for i, each in bits.items()}
    found = evaluate(samples, people, PROTOCOL, metrics=["information_gain"], log_likelihood=given)
    assert np.isfinite(found.mean("information_gain"))
    short = {image: [own[:-1] for own in each] for image, each in bits.items()}
    with pytest.raises(ValueError, match=r"'0.jpg': .* need as many log-likelihoods"):
        evaluate(samples, people, PROTOCOL, log_likelihood=short)
    assert "information_gain" not in evaluate(samples, people, PROTOCOL).metrics
