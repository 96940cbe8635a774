"""The gallery: deterministic, whole on disk, looked at by observers who agree."""

import subprocess
import sys
from importlib import resources

import numpy as np
import pytest
from PIL import Image
from tests.data.draw_objects import sheet

from spgen_lit.data.gallery import FEWEST, MOST, TRIAL, Gallery, sample_observers, simulate
from spgen_lit.data.gallery_scenes import KINDS, SceneObject, compose, painting, photograph
from spgen_lit.data.images import read_image
from spgen_lit.data.readers.osie import Osie
from spgen_lit.metrics.scanmatch import scanmatch

SMALL = {"images": 4, "observers": 3, "size": (96, 72)}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return Gallery(tmp_path_factory.mktemp("gallery"), images=40, observers=8).read()


def _bytes(gallery: Gallery) -> list[bytes]:
    return [stimulus.path.read_bytes() for stimulus in gallery.read().stimuli.values()]


def _flat(gallery: Gallery) -> np.ndarray:
    return np.concatenate([path.array() for path in gallery.read().scanpaths])


@pytest.mark.parametrize("domain", ["photo", "painting"])
def test_the_same_arguments_give_the_same_bytes_and_scanpaths(tmp_path, domain):
    first, again = (Gallery(tmp_path / place, domain, **SMALL) for place in "ab")
    assert _bytes(first) == _bytes(again)
    np.testing.assert_array_equal(_flat(first), _flat(again))


def test_a_longer_set_begins_with_the_shorter_one(tmp_path):
    longer = Gallery(tmp_path, **(SMALL | {"images": 6}))
    assert _bytes(longer)[:4] == _bytes(Gallery(tmp_path, **SMALL))


def test_other_domains_and_seeds_show_other_scenes(tmp_path, monkeypatch):
    # Finished alike, so that only the scenes can tell the sets apart.
    monkeypatch.setattr("spgen_lit.data.gallery.painting", photograph)
    base = Gallery(tmp_path, **SMALL)
    others = [Gallery(tmp_path, "painting", **SMALL), Gallery(tmp_path, seed=1, **SMALL)]
    pictures = [picture for gallery in (base, *others) for picture in _bytes(gallery)]
    assert len(set(pictures)) == 12
    assert len({gallery.folder for gallery in (base, *others)}) == 3


def test_what_is_read_says_that_it_is_simulated(photographs):
    assert photographs.name == "gallery-photo"
    assert photographs.gaze == "simulated"
    assert any("simulated" in note for note in photographs.notes)
    assert len(photographs.stimuli) == 40
    assert len(photographs.scanpaths) == 40 * 8
    for stimulus in photographs.stimuli.values():
        assert stimulus.size == (256, 192)
        assert read_image(stimulus.path).shape == (192, 256, 3)


def test_files_are_in_the_layout_of_real_data(tmp_path):
    gallery = Gallery(tmp_path, name="mine", **SMALL)
    ours = gallery.read()
    assert ours.name == "mine"
    as_osie = Osie(gallery.folder).read()
    assert as_osie.stimuli == ours.stimuli
    for one, two in zip(ours.scanpaths, as_osie.scanpaths, strict=True):
        assert (one.image, one.observer) == (two.image, two.observer)
        np.testing.assert_array_equal(one.array(), two.array())


def test_a_set_that_lost_files_is_made_anew(tmp_path):
    gallery = Gallery(tmp_path, **SMALL)
    whole = _bytes(gallery)
    next(gallery.folder.glob("data/stimuli/*.jpg")).unlink()
    assert _bytes(gallery) == whole
    (gallery.folder / "gallery.json").unlink()
    assert _bytes(gallery) == whole
    (gallery.folder / "data/eye/fixations.mat").unlink()
    assert _bytes(gallery) == whole
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == [gallery.folder.name]


def test_a_failure_leaves_nothing_that_looks_whole(tmp_path, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise OSError("disk full")

    gallery = Gallery(tmp_path, **SMALL)
    monkeypatch.setattr("spgen_lit.data.gallery.scipy.io.savemat", broken)
    with pytest.raises(OSError, match="disk full"):
        gallery.read()
    assert not (gallery.folder / "gallery.json").exists()
    monkeypatch.undo()
    assert len(gallery.read().stimuli) == 4


def test_processes_may_ask_for_it_at_once(tmp_path):
    code = (
        "import sys; from spgen_lit.data.gallery import Gallery;"
        "g = Gallery(sys.argv[1], images=12, observers=2, size=(96, 72)).read();"
        "print(len(g.scanpaths), sum(p.xy.sum() for p in g.scanpaths))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {process.communicate(timeout=120)[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(said) == 1
    assert said.pop().startswith("24 ")
    assert len([p for p in tmp_path.iterdir() if p.is_dir()]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"domain": "fresco"}, "domain must be photo or painting, found 'fresco'"),
        ({"images": 0}, "images must be at least 1, found 0"),
        ({"observers": 0}, "observers must be at least 1"),
        ({"size": (256, 16)}, "size must be width and height of 32 px"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, arguments, said):
    with pytest.raises(ValueError, match=said):
        Gallery(tmp_path, **arguments)


@pytest.mark.parametrize("size", [(32, 32), (33, 75), (200, 60)])
@pytest.mark.parametrize("domain", ["photo", "painting"])
def test_any_size_and_aspect_works(tmp_path, domain, size):
    gallery = Gallery(tmp_path, domain, images=2, observers=2, size=size).read()
    assert {s.size for s in gallery.stimuli.values()} == {size}
    assert all(len(p.on_image()) == len(p) for p in gallery.scanpaths)


def test_trials_look_like_three_seconds_of_viewing(photographs):
    for path in photographs.scanpaths:
        assert FEWEST <= len(path) <= MOST
        assert path.durations is not None
        assert path.durations.min() >= 0.05
        assert path.durations.sum() <= TRIAL + 0.35  # the shortest trials may run over
        assert len(path.on_image()) == len(path)
    assert 8 < np.mean([len(path) for path in photographs.scanpaths]) < 11
    first = np.array([path.xy[0] for path in photographs.scanpaths])
    later = np.concatenate([path.xy[3:] for path in photographs.scanpaths])
    off_centre = [np.hypot(*(xy - 0.5).T).mean() for xy in (first, later)]
    assert off_centre[0] < off_centre[1] - 0.05


def _agreement(gaze, shift: int) -> float:
    """Mean ScanMatch of observers with those of the same (shift 0) or another image."""
    groups = list(gaze.by_image().values())
    pairs = [
        (one.array((320, 240)), two.array((320, 240)))
        for group, other in zip(groups, groups[shift:] + groups[:shift], strict=True)
        for i, one in enumerate(group)
        for two in other[i + 1 :]
    ]
    one, two = ([pair[side] for pair in pairs] for side in (0, 1))
    return float(np.mean(scanmatch(one, two, screen=(320, 240))))


def test_people_agree_above_chance_as_real_people_do(photographs):
    people, chance = _agreement(photographs, 0), _agreement(photographs, 1)
    assert 0.35 < people < 0.5
    assert people > chance + 0.15


def test_gaze_goes_where_attraction_is_and_moves_on():
    face, stone = KINDS[0], KINDS[-1]
    objects = [SceneObject(face, 60, 96, 30, 1.0), SceneObject(stone, 196, 96, 30, 0.05)]
    observers = sample_observers(np.random.default_rng(0), 200)
    paths = simulate(objects, (256, 192), observers, np.random.default_rng(1))
    xy = np.concatenate([xy for xy, _ in paths])
    on_face, on_stone = ((np.hypot(*(xy - (x, 96)).T) < 30).mean() for x in (60, 196))
    assert on_face > 2 * on_stone
    repeats = np.mean([(np.hypot(*np.diff(xy, axis=0).T) < 15).mean() for xy, _ in paths])
    assert repeats < 0.2  # inhibition of return


def test_observers_differ_from_each_other(photographs):
    paces = {}
    for path in photographs.scanpaths:
        paces.setdefault(path.observer, []).append(float(np.median(path.durations)))
    means = [np.mean(values) for values in paces.values()]
    errors = [np.std(values) / len(values) ** 0.5 for values in paces.values()]
    assert np.std(means) > 2 * np.mean(errors)


def test_paint_changes_the_look_and_not_the_places():

    warmer, alike = [], []
    for number in range(6):
        rng = np.random.default_rng(number)
        _, scene = compose(rng, (256, 192))
        photo, paint = (f(scene, rng).astype(float) for f in (photograph, painting))
        alike.append(np.corrcoef(photo.mean(-1).ravel(), paint.mean(-1).ravel())[0, 1])
        warmth = [(p[..., 0] - p[..., 2]).mean() for p in (photo, paint)]
        warmer.append(warmth[1] > warmth[0])
        assert np.abs(photo - paint).mean() > 10
    assert np.mean(alike) > 0.7
    assert np.mean(warmer) > 0.8


def test_the_objects_are_those_that_their_script_draws():
    with resources.files("spgen_lit.data").joinpath("gallery_objects.png").open("rb") as file:
        np.testing.assert_array_equal(np.asarray(Image.open(file)), sheet())
