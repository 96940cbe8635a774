"""Replays: what shows when, and what the files hold."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from spgen_lit.pictures.replay import HOLD_S, RATE, SACCADE_S, frame, frames, onsets, save_replay
from spgen_lit.scanpath import Scanpath

SIZE = (401, 299)
PLACES = [(80, 60), (320, 90), (200, 240)]
PATH = Scanpath("i", SIZE, np.divide(PLACES, SIZE), [0.2, 0.4, 0.3])
GROUND = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)


def drawn_at(picture: np.ndarray, place: tuple[int, int]) -> bool:
    x, y = place
    near = picture[y - 2 : y + 3, x - 2 : x + 3].astype(int)
    return bool(np.mean(np.abs(near - 60).max(axis=2) > 25) > 0.6)


def test_onsets_follow_durations_and_saccades() -> None:
    starts, end = onsets(PATH)
    assert starts == pytest.approx([0, 0.2 + SACCADE_S, 0.6 + 2 * SACCADE_S])
    assert end == pytest.approx(0.9 + 2 * SACCADE_S)
    untimed = Scanpath("i", SIZE, PATH.xy)
    assert onsets(untimed)[1] == pytest.approx(0.75 + 2 * SACCADE_S)
    assert onsets(Scanpath("i", SIZE, np.empty((0, 2))))[1] == 0


@pytest.mark.parametrize(("seconds", "seen"), [(0.1, 1), (0.3, 2), (0.75, 3), (99, 3)])
def test_fixations_appear_in_their_time_at_their_place(seconds: float, seen: int) -> None:
    picture = frame(GROUND, PATH, seconds)
    assert [drawn_at(picture, place) for place in PLACES] == [k < seen for k in range(3)]


def test_nothing_shows_before_the_start_or_of_an_empty_path() -> None:
    assert (frame(GROUND, PATH, -0.1) == GROUND).all()
    assert (frame(GROUND, Scanpath("i", SIZE, np.empty((0, 2))), 1) == GROUND).all()


def test_frames_cover_the_path_in_true_time() -> None:
    expected = int(np.ceil((0.98 + HOLD_S) * RATE)) + 1
    assert sum(1 for _ in frames(GROUND, PATH)) == expected


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_files_hold_the_frames_at_their_places(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"replay{suffix}"
    save_replay(target, GROUND, PATH)
    assert [file.name for file in tmp_path.iterdir()] == [target.name]
    expected = int(np.ceil((0.98 + HOLD_S) * RATE)) + 1
    if suffix == ".gif":
        with Image.open(target) as film:
            assert film.size == SIZE
            total = 0
            for index in range(film.n_frames):
                film.seek(index)
                total += film.info["duration"]
            # Pillow joins equal frames; their time stays.
            assert total == pytest.approx(expected * 40, abs=40)
            last = np.asarray(film.convert("RGB"))
    else:
        film = cv2.VideoCapture(str(target))
        assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(RATE)
        pictures = []
        while (read := film.read())[0]:
            pictures.append(read[1])
        assert len(pictures) == expected
        assert pictures[0].shape == (300, 402, 3)
        last = pictures[-1][..., ::-1]
    assert [drawn_at(last, place) for place in PLACES] == [True] * 3
