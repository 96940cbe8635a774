"""Folders spoiled on purpose: every fault is found, with file and trial."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import scipy.io
from PIL import Image

from spgen_lit.data.__main__ import main
from spgen_lit.data.check import check
from spgen_lit.data.duplicates import alike, fingerprint, perceptual_hash
from spgen_lit.data.gaze_checks import gaze_findings
from spgen_lit.data.images import read_image
from spgen_lit.data.readers.mit1003 import FixaTons
from spgen_lit.data.readers.osie import Osie
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath

PEOPLE = ["abe", "bea", "cyd", "dov"]


def scene(seed):
    """A picture unlike those of other seeds: smooth blobs of colour."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC)


def rows(seed, count=6):
    rng = np.random.default_rng(seed)
    places = rng.uniform(5, 115, (count, 2))
    starts = np.arange(count) * 0.4
    return np.column_stack([places, starts, starts + rng.uniform(0.1, 0.35, count)])


@pytest.fixture
def clean(tmp_path):
    (tmp_path / "STIMULI").mkdir()
    for number in range(14):
        scene(number).save(tmp_path / "STIMULI" / f"i{number:02d}.jpeg", quality=92)
        for person, name in enumerate(PEOPLE):
            file = tmp_path / "SCANPATHS" / f"i{number:02d}" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savetxt(file, rows(100 * number + person))
    return tmp_path


def trial(root, number, name="bea"):
    return root / "SCANPATHS" / f"i{number:02d}" / name


def change(file, function):
    values = np.loadtxt(file)
    function(values)
    np.savetxt(file, values)


def spoil(root):
    """One fault an image; image number to the words that must be said of it."""
    stimuli = root / "STIMULI"
    (stimuli / "i00.jpeg").unlink()
    (stimuli / "i01.jpeg").write_text("not a picture")
    (stimuli / "i02.jpeg").write_bytes(b"")
    data = (stimuli / "i03.jpeg").read_bytes()
    (stimuli / "i03.jpeg").write_bytes(data[: len(data) // 2])
    change(trial(root, 4), lambda v: v.__setitem__((2, 0), np.nan))
    trial(root, 5).write_text("10 20 0.1\n")
    change(trial(root, 6), lambda v: v.__setitem__((1, 3), 0.0))
    change(trial(root, 7), lambda v: v.__setitem__((..., slice(2, 4)), v[:, 2:] * 1000))
    change(trial(root, 8), lambda v: v.__setitem__((..., slice(0, 2)), v[:, :2] / 160))
    change(trial(root, 9), lambda v: v.__setitem__((..., slice(0, 2)), v[:, :2] * 20))
    shutil.copy(trial(root, 10, "abe"), trial(root, 10))
    trial(root, 11).unlink()
    trial(root, 12).write_text("10 20 0.1 0.3\n")
    scene(12).save(stimuli / "i13.jpeg", quality=60)
    return {
        "i00": "image missing",
        "i01": "not an image",
        "i02": "empty",
        "i03": "damaged or cut-off",
        "i04/bea": "fixation 2 is not finite",
        "i05/bea": "line 1: needs numbers x y t_start t_end",
        "i06/bea": "line 2: t_end 0.0 lies before t_start",
        "i07.jpeg, observer bea": "ms declared as s",
        "i08.jpeg, observer bea": "shares declared as px",
        "i09.jpeg, observer bea": "another unit, size or frame",
        "i10.jpeg, observer bea": "the same places as image i10.jpeg, observer abe",
        "i11.jpeg": "3 observers of the usual 4: without bea",
        "i12.jpeg, observer bea": "1 of the usual 3 or more",
        "i13.jpeg": "nearly the same as image i12.jpeg",
    }


def test_a_clean_folder_has_no_findings(clean):
    report = check(FixaTons(clean))
    assert report.findings == []
    assert not report.failed
    assert report.figures["scanpaths"] == "56 on 14 images"
    assert report.figures["observers"] == "4"


def test_fourteen_faults_are_all_found_with_file_and_trial(clean):
    wanted = spoil(clean)
    report = check(FixaTons(clean))
    lines = [f"{f.where}: {f.what}" for f in report.findings]
    for where, what in wanted.items():
        assert any(where in line and what in line for line in lines), (where, what, lines)
        assert str(clean) in next(line for line in lines if where in line and what in line)
    # Nothing else is accused: i04 to i06 lose a trial each, and so an observer.
    consequences = [f for f in report.findings if f.kind == "missing observer"]
    assert len(report.findings) - len(consequences) == len(wanted) - 1
    assert report.failed


def test_the_command_ends_non_zero_on_errors_and_writes_json(clean, tmp_path, capsys):
    out = tmp_path / "findings.json"
    reader = "spgen_lit.data.readers.mit1003.FixaTons"
    assert main(["check", reader, str(clean), "--json", str(out)]) == 0
    assert "0 errors, 0 warnings" in capsys.readouterr().out
    spoil(clean)
    command = [sys.executable, "-m", "spgen_lit.data", "check", reader, clean, "--json", out]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "error: unreadable image (1)" in done.stdout
    content = json.loads(out.read_text())
    assert content["failed"]
    assert {"level", "kind", "where", "what"} == set(content["findings"][0])


def osie_folder(root, people):
    (root / "data" / "stimuli").mkdir(parents=True)
    (root / "data" / "eye").mkdir()
    images = np.empty((3, 1), dtype=object)
    for number in range(3):
        scene(number).resize((800, 600)).save(root / "data" / "stimuli" / f"100{number}.jpg")
        subjects = np.empty((len(people), 1), dtype=object)
        for index, person in enumerate(people):
            subjects[index, 0] = person(number)
        images[number, 0] = {"img": f"100{number}.jpg", "subjects": subjects}
    scipy.io.savemat(root / "data" / "eye" / "fixations.mat", {"fixations": images})


def osie_person(seed, **changes):
    def person(number):
        rng = np.random.default_rng([seed, number])
        fields = {
            "fix_x": rng.uniform(0, 800, 5),
            "fix_y": rng.uniform(0, 600, 5),
            "fix_duration": rng.integers(100, 400, 5).astype(np.uint16),
        }
        return fields | (changes if number == 1 else {})

    return person


def test_osie_faults_name_image_and_observer(tmp_path):
    faults = {
        "lengths": {"fix_y": np.ones(4)},
        "finite": {"fix_x": np.array([1, 2, np.nan, 3, 4])},
        "s declared as ms": {"fix_duration": np.full(5, 0.2)},
        "frame": {"fix_x": np.full(5, 4000.0)},
    }
    people = [osie_person(0), *(osie_person(n + 1, **f) for n, f in enumerate(faults.values()))]
    osie_folder(tmp_path, people)
    lines = [f"{f.where}: {f.what}" for f in check(Osie(tmp_path)).findings if f.level == "error"]
    assert len(lines) == len(faults)
    assert all("1001.jpg" in line for line in lines)
    for observer in ("02", "03", "04", "05"):
        assert any(f"observer {observer}" in line for line in lines)


def test_splits_and_leaks(tmp_path):
    stimuli = {}
    for name, seed in (("a", 0), ("b", 1), ("c", 2), ("d", 0)):
        scene(seed).save(tmp_path / f"{name}.png")
        stimuli[name] = Stimulus(name, tmp_path / f"{name}.png", (160, 120))

    class Reader:
        def read(self):
            splits = {"train": ("a", "b"), "test": ("b", "d", "zz")}
            return GazeSet("s", stimuli, [], "none", splits)

    lines = {f"{f.level} {f.where}: {f.what}" for f in check(Reader()).findings}
    assert "error image b: in train and test" in lines
    assert "error image zz: in test, not in the set" in lines
    assert any("same file as image a; in test and train" in x and "error" in x for x in lines)


def test_exchanged_axes_and_wrong_frames_are_suspected(tmp_path):
    Image.new("RGB", (400, 100)).save(tmp_path / "a.png")
    stimuli = {"a": Stimulus("a", tmp_path / "a.png", (400, 100))}
    rng = np.random.default_rng(0)

    def findings(pixels):
        paths = [
            Scanpath("a", (400, 100), np.divide(p, (400, 100)), None, str(n))
            for n, p in enumerate(pixels)
        ]

        class Reader:
            def read(self):
                return GazeSet("s", stimuli, paths, "eye")

        return {f.kind for f in check(Reader(), images=False).findings}

    right = rng.uniform((0, 0), (400, 100), (20, 5, 2))
    assert findings(right) == set()
    assert "axes" in findings(right[..., ::-1] * (1, 0.45))
    assert "frame" in findings(right * 0.4)


def test_perceptual_hash_survives_size_and_compression_but_tells_pictures_apart(tmp_path):
    prints = []
    for seed in range(40):
        scene(seed).save(tmp_path / f"{seed}.png")
        prints.append(fingerprint(f"{seed}", tmp_path / f"{seed}.png"))
    assert alike(prints) == []
    scene(7).resize((301, 200)).save(tmp_path / "x.jpg", quality=50)
    scene(9).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "y.png")
    shutil.copy(tmp_path / "3.png", tmp_path / "z.png")
    prints += [fingerprint(name, tmp_path / name) for name in ("x.jpg", "y.png", "z.png")]
    found = {(p.one, p.other, p.kind) for p in alike(prints)}
    assert found == {
        ("7", "x.jpg", "nearly the same"),
        ("9", "y.png", "mirrored"),
        ("3", "z.png", "same file"),
    }
    assert perceptual_hash(read_image(tmp_path / "3.png")) == perceptual_hash(prints[3].thumb)


def test_real_osie_has_no_errors_and_eleven_short_paths(data_dir):
    report = check(Osie(data_dir / "osie"), images=False)
    assert {finding.kind for finding in report.findings} == {"short path", "repeated fixation"}
    assert report.figures["shorter than 3"] == "11 paths"


@pytest.mark.slow
def test_real_osie_is_sound_but_holds_one_photograph_twice(data_dir):
    report = check(Osie(data_dir / "osie"))
    assert not report.failed
    (twice,) = [f for f in report.findings if f.kind == "duplicate image"]
    assert "1374.jpg" in twice.where
    assert "1279.jpg" in twice.what


def test_names_that_are_no_text_are_named(tmp_path):
    name = "a\udc80"  # a byte that is not UTF-8, as Python keeps it
    stimuli = {name: Stimulus(name, tmp_path / name, (100, 100))}
    paths = [Scanpath(name, (100, 100), np.full((30, 2), 0.3), None, name)] * 2
    kinds = {f.kind for f in gaze_findings(GazeSet(name, stimuli, paths)) if name in f.where}
    assert {"repeated trial", "copied path", "repeated fixation", "samples"} <= kinds
