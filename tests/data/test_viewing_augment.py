"""Paths cut at a shorter viewing time stay true, and conditions are hidden at random."""

from __future__ import annotations

import numpy as np
import pytest

from spgen_lit.data.augment import CONDITIONS, ViewingAugment, cut_path, fill_durations
from spgen_lit.scanpath import Scanpath, Viewing

SHOWN = Viewing(3.0, 25.0, "given", "free", "osie")


def path(durations: list[float] | None = None, viewing: Viewing = SHOWN) -> Scanpath:
    count = 6 if durations is None else len(durations)
    xy = np.random.default_rng(count).uniform(0, 1, (count, 2))
    seconds = None if durations is None else np.array(durations)
    return Scanpath("a", (800, 600), xy, seconds, "one", viewing)


SHORT = Viewing(1.8, 25.0, "given", "free", "osie")
TIMED = path([0.2, 0.3, 0.4, 0.5], SHORT)  # they begin at 0, 0.3, 0.7 and 1.2 s


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.1, [0.1]),
        (0.25, [0.2]),  # within the gap
        (0.35, [0.2, 0.05]),
        (0.9, [0.2, 0.3, 0.2]),
        (1.4, [0.2, 0.3, 0.4, 0.2]),
        (1.75, [0.2, 0.3, 0.4, 0.5]),
    ],
)
def test_a_cut_keeps_the_times_and_shortens_the_last_fixation(
    seconds: float, expected: list[float]
) -> None:
    cut = cut_path(TIMED, seconds)
    assert cut.durations == pytest.approx(expected)
    assert np.array_equal(cut.xy, TIMED.xy[: len(expected)])
    assert cut.viewing == Viewing(seconds, 25.0, "given", "free", "osie")
    assert (cut.image, cut.size, cut.observer) == ("a", (800, 600), "one")


@pytest.mark.parametrize(("shown", "gap"), [(1.0, 0.03), (1.8, 0.1), (9.0, 0.2)])
def test_gaps_fill_the_recorded_time_within_reason(shown: float, gap: float) -> None:
    given = path([0.2, 0.3, 0.4, 0.5], Viewing(shown))
    assert len(cut_path(given, 0.2 + gap - 1e-6)) == 1
    assert len(cut_path(given, 0.2 + gap + 1e-6)) == 2


def test_a_path_without_durations_or_viewing_time_is_not_cut() -> None:
    whole, unknown = path(), path([0.2, 0.3], Viewing())
    assert cut_path(whole, 0.5) is whole
    assert cut_path(unknown, 0.1) is unknown
    untimed = ViewingAugment(cut=1, hide=0, fill=False)
    assert untimed([whole], np.random.default_rng(0)) == [whole]


def test_a_draw_depends_on_its_random_numbers_alone() -> None:
    augment, given = ViewingAugment(cut=0.5, hide=0.5), [TIMED, path([0.3] * 8)]

    def drawn(seed: int) -> list[tuple[Viewing, list[float]]]:
        found = augment(given, np.random.default_rng(seed))
        return [(p.viewing, p.durations.tolist()) for p in found if p.durations is not None]

    assert [drawn(seed) for seed in range(20)] == [drawn(seed) for seed in range(20)]
    assert len({repr(drawn(seed)) for seed in range(20)}) > 5


def test_conditions_are_hidden_together_and_otherwise_as_recorded() -> None:
    augment = ViewingAugment(cut=0, hide=0.3)
    given = [TIMED, path([0.3] * 8, Viewing(5.0, 30.0, "free", "memory"))]
    hidden = dict.fromkeys(CONDITIONS, 0)
    for seed in range(400):
        drawn = augment(given, np.random.default_rng(seed))
        for name in CONDITIONS:
            values = [getattr(p.viewing, name) for p in drawn]
            assert values in ([None, None], [getattr(p.viewing, name) for p in given])
            hidden[name] += values[0] is None
        for found, recorded in zip(drawn, given, strict=True):
            assert np.array_equal(found.xy, recorded.xy)
            assert np.array_equal(found.durations, recorded.durations)
    assert all(count == pytest.approx(120, abs=40) for count in hidden.values())


def test_every_path_of_a_cut_draw_has_a_time_of_its_own() -> None:
    augment = ViewingAugment(cut=1, shortest=0.7, hide=0)
    given = [path([0.3] * 8) for _ in range(30)]
    drawn = augment(given, np.random.default_rng(0))
    times = [p.viewing.seconds for p in drawn]
    assert len(set(times)) == 30 and min(times) >= 0.7 and max(times) <= 3
    for found in drawn:
        last = found.durations.sum() + 0.075 * (len(found) - 1)
        assert last <= found.viewing.seconds + 1e-9


def test_what_cannot_be_cut_stays() -> None:
    augment, rng = ViewingAugment(cut=1, shortest=0.7, hide=0), np.random.default_rng(0)
    unknown = path([0.3] * 4, Viewing())
    short = path([0.3], Viewing(0.5))
    off = Scanpath("a", (8, 8), np.array([[1.5, 0.5], [0.5, 0.5]]), np.array([2.9, 0.1]), "", SHOWN)
    assert augment([unknown, short, off], rng) == [unknown, short, off]


@pytest.mark.parametrize("wrong", [{"cut": 1.5}, {"hide": -0.1}, {"shortest": 0.0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"data\.viewing needs .*found"):
        ViewingAugment(**wrong)


def test_untimed_paths_are_timed_to_fill_their_viewing() -> None:
    shown = Viewing(seconds=2.0)
    untimed = Scanpath("a", (80, 60), np.full((6, 2), 0.5), None, viewing=shown)
    draws = [
        ViewingAugment(cut=0.0, hide=0.0)([untimed], np.random.default_rng(k))[0] for k in range(50)
    ]
    for draw in draws:
        assert draw.durations is not None and (draw.durations > 0).all()
        assert draw.durations.sum() + 6 * 0.09 == pytest.approx(2.0)
    spread = np.log([draw.durations for draw in draws]).std()
    assert 0.3 < spread < 0.6
    timed = path([0.2, 0.3])
    assert fill_durations(timed, np.random.default_rng(0)) is timed
    unknown = Scanpath("a", (80, 60), np.full((6, 2), 0.5))
    assert fill_durations(unknown, np.random.default_rng(0)) is unknown
    assert ViewingAugment(0.0, 0.7, 0.0, fill=False)([untimed], np.random.default_rng(0)) == [
        untimed
    ]
