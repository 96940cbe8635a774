"""The painted reader keeps ids, gaze and splits, and its cache whole."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_painter import distance, gray, painting, scene

from spgen_lit.data.images import read_image
from spgen_lit.data.painting import painted as painted_module
from spgen_lit.data.painting.painted import Painted
from spgen_lit.data.painting.painter import TEST_FAMILIES, paint
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath


@dataclass
class Made:
    """A reader of a few made-up photographs with gaze."""

    root: Path
    count: int = 9

    def read(self) -> GazeSet:
        stimuli, paths = {}, []
        for number in range(self.count):
            height, width = (240, 320) if number % 2 else (160, 120)
            file = self.root / f"photo {number}.png"
            if not file.exists():
                cv2.imwrite(
                    str(file), cv2.cvtColor(scene(height, width, number), cv2.COLOR_RGB2BGR)
                )
            stimuli[f"a/photo {number}.png"] = Stimulus(
                f"a/photo {number}.png", file, (width, height)
            )
            paths.append(
                Scanpath(
                    f"a/photo {number}.png",
                    (width, height),
                    np.array([[0.5, 0.5], [0.2, 1.1]]),
                    np.array([0.2, 0.3]),
                    "x",
                )
            )
        ids = tuple(stimuli)
        return GazeSet(
            "made", stimuli, paths, "eye", {"train": ids[:6], "test": ids[6:]}, notes=("made up",)
        )


@pytest.fixture
def source(tmp_path: Path) -> Made:
    (tmp_path / "photos").mkdir()
    return Made(tmp_path / "photos")


def test_painted_set_keeps_ids_gaze_and_splits(source: Made, tmp_path: Path) -> None:
    photographs = source.read()
    result = Painted(source, tmp_path / "cache", size=(160, 120)).read()
    assert result.name == "painted-made" and result.gaze == "eye"
    assert list(result.stimuli) == list(photographs.stimuli)
    assert result.splits == photographs.splits
    assert result.notes[0] == "made up" and "pointillist" in result.notes[1]
    for one, two in zip(photographs.scanpaths, result.scanpaths, strict=True):
        np.testing.assert_array_equal(one.xy, two.xy)
        assert one.durations is not None and two.durations is not None
        np.testing.assert_array_equal(one.durations, two.durations)
        assert (one.image, one.observer) == (two.image, two.observer)
        assert two.size == result.stimuli[two.image].size
    for image, stimulus in result.stimuli.items():
        pixels = read_image(stimulus.path)
        assert stimulus.size == pixels.shape[1::-1]
        assert stimulus.size == ((160, 120) if pixels.shape[1] > pixels.shape[0] else (120, 160))
        photo = read_image(photographs.stimuli[image].path)
        photo = cv2.resize(photo, stimulus.size, interpolation=cv2.INTER_AREA)
        assert np.corrcoef(gray(photo).ravel(), gray(pixels).ravel())[0, 1] > 0.7


def test_families_are_dealt_evenly_and_by_the_seed(source: Made, tmp_path: Path) -> None:
    def dealt(seed: int) -> list[str]:
        root = tmp_path / f"cache{seed}"
        Painted(source, root, TEST_FAMILIES, (64, 48), seed=seed).read()
        (index,) = root.glob("*/index.csv")
        rows = [line.split(",") for line in index.read_text().splitlines()]
        assert rows[0][:3] == ["image", "file", "family"]
        assert all((index.parent / row[1]).is_file() for row in rows[1:])
        return [row[2] for row in rows[1:]]

    first, second = dealt(0), dealt(1)
    assert sorted(first) == sorted(TEST_FAMILIES * 3) == sorted(second)
    assert first != second


def test_cache_is_used_again_and_only_gaps_are_filled(
    source: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Painted(source, tmp_path / "cache", "train", (64, 48))
    calls = []

    def counted(*arguments: object) -> np.ndarray:
        calls.append(arguments)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return paint(*arguments)

    monkeypatch.setattr(painted_module, "paint", counted)
    with pytest.raises(KeyboardInterrupt):
        reader.read()
    whole = sorted((tmp_path / "cache").glob("*/*.jpg"))
    assert len(whole) == 4 and not list((tmp_path / "cache").glob("*/.*"))
    stamps = [file.stat().st_mtime_ns for file in whole]
    result = reader.read()
    assert len(calls) == 5 + 5
    assert [file.stat().st_mtime_ns for file in whole] == stamps
    assert all(stimulus.path.is_file() for stimulus in result.stimuli.values())
    reader.read()
    assert len(calls) == 10
    Painted(source, tmp_path / "cache", "train", (64, 48), strength=0.5).read()
    assert len(calls) == 19


def test_two_processes_build_one_cache(source: Made, tmp_path: Path) -> None:
    source.read()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from test_painted import Made\n"
        "from spgen_lit.data.painting.painted import Painted\n"
        "Painted(Made(Path(sys.argv[2])), sys.argv[3], 'all', (64, 48)).read()"
    )
    here, cache = str(Path(__file__).parent), tmp_path / "cache"
    command = [sys.executable, "-c", code, here, str(source.root), str(cache)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    errors = [process.communicate()[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    files = list(cache.glob("*/*.jpg"))
    assert len(files) == 9 and not list(cache.glob("*/.*"))
    assert {read_image(file).shape for file in files} == {(48, 64, 3), (64, 48, 3)}


def test_a_changed_photograph_is_painted_again(source: Made, tmp_path: Path) -> None:
    reader = Painted(source, tmp_path / "cache", "kuwahara", (64, 48))
    before = reader.read().stimuli["a/photo 1.png"].path
    cv2.imwrite(str(source.root / "photo 1.png"), scene(240, 320, 99)[..., ::-1])
    after = reader.read().stimuli["a/photo 1.png"].path
    assert before != after
    assert distance(read_image(before), read_image(after)) > 5


def test_palettes_reach_the_pictures(source: Made, tmp_path: Path) -> None:
    (tmp_path / "paintings").mkdir()
    cv2.imwrite(str(tmp_path / "paintings" / "red.png"), painting()[..., ::-1])
    settings = {"families": "palette", "size": (64, 48)}
    plain = Painted(source, tmp_path / "cache", **settings).read()
    red = Painted(source, tmp_path / "cache", palettes=tmp_path / "paintings", **settings).read()
    for image in plain.stimuli:
        one, two = (read_image(s.stimuli[image].path).reshape(-1, 3).mean(0) for s in (plain, red))
        assert two[0] - two[2] > one[0] - one[2]


def test_bad_settings_of_the_reader_are_named(source: Made, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'oils'.*oil, kuwahara.*train, test, all"):
        Painted(source, tmp_path, families=["oil", "oils"])
    with pytest.raises(ValueError, match="found none"):
        Painted(source, tmp_path, families=[])
    with pytest.raises(ValueError, match=r"size: found \(8, 8\)"):
        Painted(source, tmp_path, size=(8, 8))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Painted(source, tmp_path, palettes=tmp_path / "nowhere").read()
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no image in the folder of palettes"):
        Painted(source, tmp_path, palettes=tmp_path / "empty").read()
