"""Files as eye trackers export them come back as the gaze that was written."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from tests.data import exporters
from tests.data.exporters import CORNER, SCREEN, SIZE

from spgen_lit.data.readers.table import Table

BOX = (*CORNER, *SIZE)


@pytest.fixture
def recorded(tmp_path):
    return tmp_path, exporters.truth(tmp_path)


def same(gaze, trials, eye=0.0, seconds=0.0006, pixels=0.05):
    found = {(path.image.removesuffix(".png"), path.observer): path for path in gaze.scanpaths}
    assert len(found) == len(trials) == len(gaze.scanpaths)
    for image, who, xy, ms in trials:
        path = found[image, who]
        assert path.size == SIZE
        np.testing.assert_allclose(path.pixels, xy + np.array([eye, 0]), atol=pixels)
        np.testing.assert_allclose(path.durations, ms / 1000, atol=seconds)


@pytest.mark.parametrize("picture", [BOX, "centered"])
def test_eyelink_report_of_a_picture_on_a_larger_screen(recorded, picture):
    root, trials = recorded
    exporters.eyelink(root, trials)
    same(
        Table(root, tracker="eyelink", file="fixations.txt", size=SCREEN, picture=picture).read(),
        trials,
    )


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ({"encoding": "utf-16"}, {}),
        ({"encoding": "utf-16-le"}, {"encoding": "utf-16-le"}),
        ({"encoding": "utf-8-sig", "decimal": ","}, {"decimal": ","}),
        ({"missing": "NA"}, {"missing": ["NA"]}),
        ({"eyes": ("LEFT", "RIGHT")}, {"eye": "right"}),
    ],
)
def test_eyelink_report_in_other_spellings(recorded, written, declared):
    root, trials = recorded
    table = exporters.eyelink(root, trials, **written)
    reader = Table(table, tracker="eyelink", size=SCREEN, picture="centered", **declared)
    same(reader.read(), trials)


def test_both_eyes_are_not_read_as_one(recorded):
    root, trials = recorded
    table = exporters.eyelink(root, trials, eyes=("LEFT", "RIGHT"))
    with pytest.raises(ValueError, match="EYE_USED holds rows of the eyes l, r; eye must be"):
        Table(table, tracker="eyelink", size=SCREEN, picture="centered").read()


@pytest.mark.parametrize(
    "spelling", [{}, {"duration": "Eye movement event duration", "system": "RCSpx"}]
)
def test_tobii_samples_become_fixations_on_the_picture(recorded, spelling):
    root, trials = recorded
    table = exporters.tobii(root, trials, **spelling)
    reader = Table(table, tracker="tobii", size=SCREEN)
    same(reader.read(), trials)


def test_pupil_surfaces_are_turned_upright(recorded):
    root, trials = recorded
    exporters.pupil(root, trials)
    same(Table(root, tracker="pupil").read(), trials)


def test_neon_on_a_reference_image(recorded):
    root, trials = recorded
    exporters.neon(root, trials)
    same(Table(root, tracker="neon").read(), trials)


def test_smi_and_gazepoint(recorded):
    root, trials = recorded
    same(Table(exporters.smi(root, trials), tracker="smi", size=SIZE).read(), trials)
    exporters.gazepoint(root, trials)
    same(Table(root, tracker="gazepoint").read(), trials)


def test_a_packed_table_and_a_fitted_picture(recorded):
    root, trials = recorded
    scale = SCREEN[1] / SIZE[1]
    shift = ((SCREEN[0] - SIZE[0] * scale) / 2, 0)
    table = exporters.plain(root / "mine.csv", trials, scale=(scale, scale), shift=shift)
    packed = Path(f"{table}.gz")
    packed.write_bytes(gzip.compress(table.read_bytes()))
    given = {"order": "fixation", "duration": "ms", "time": "ms", "px_per_degree": 36}
    gaze = Table(packed, "px", size=SCREEN, picture="fitted", seconds=4, **given).read()
    same(gaze, trials)
    assert gaze.scanpaths[0].viewing.px_per_degree == pytest.approx(36 / scale)
    assert gaze.scanpaths[0].viewing.seconds == 4


def test_an_origin_in_the_center_with_y_up(recorded):
    root, trials = recorded
    table = exporters.plain(root / "mine.csv", trials, scale=(1, -1), shift=(-400, 300))
    given = {"duration": "ms", "time": "ms", "origin": "center", "y_up": True}
    same(Table(table, "px", size="image", **given).read(), trials)


def test_an_average_of_two_eyes_takes_the_one_that_is_there(recorded):
    root, _ = recorded
    content = [("pic00.png", "p1", 10, 20, 30, 40), ("pic00.png", "p1", 10, "", 30, "")]
    exporters.rows(root / "two.csv", ("image", "observer", "lx", "rx", "ly", "ry"), content, ",")
    given = {"x": ["lx", "rx"], "y": ["ly", "ry"], "size": "image"}
    both = Table(root / "two.csv", "px", **given).read().scanpaths[0]
    np.testing.assert_allclose(both.pixels, [[15, 35], [10, 30]])
    left = Table(root / "two.csv", "px", eye="left", **given).read().scanpaths[0]
    np.testing.assert_allclose(left.pixels, [[10, 30], [10, 30]])


def test_a_picture_that_does_not_fill_the_screen_must_be_placed(recorded):
    root, trials = recorded
    exporters.eyelink(root, trials)
    reader = Table(root, tracker="eyelink", file="fixations.txt", size=SCREEN)
    with pytest.raises(ValueError, match=r"800x600 px does not fill 1920x1080 px: .*picture"):
        reader.read()


def test_official_splits_come_from_a_column(recorded):
    root, trials = recorded
    content = [
        (f"{i}.png", w, *xy[0], "test" if i == "pic00" else "train") for i, w, xy, _ in trials
    ]
    exporters.rows(root / "t.csv", ("image", "observer", "x", "y", "part"), content, ",")
    gaze = Table(root / "t.csv", "px", size="image", split="part").read()
    assert gaze.splits["test"] == ("pic00.png",)
    assert len(gaze.splits["train"]) == 5


@pytest.mark.parametrize(("eye", "off"), [("left", -4), ("right", 4)])
def test_eyelink_asc_with_two_eyes_blinks_and_messages(recorded, eye, off):
    pytest.importorskip("pymovements")
    root, trials = recorded
    exporters.asc(root, trials)
    reader = Table(root, tracker="asc", size=SCREEN, picture="centered", eye=eye)
    same(reader.read(), trials, eye=off, seconds=0.0025)
    with pytest.raises(ValueError, match="eyes l, r; eye must be left or right"):
        Table(root, tracker="asc", size=SCREEN, picture="centered").read()
    with pytest.raises(ValueError, match=r"no message matches begins='SHOW \(.*TRIALID"):
        Table(root, tracker="asc", size=SCREEN, begins=r"SHOW (\S+)").read()
    file = next(root.rglob("*.asc"))
    lines = file.read_text().splitlines()
    sample = next(n for n, line in enumerate(lines) if line[:1].isdigit())
    lines[sample] = "9" * 30 + lines[sample][lines[sample].index("\t") :]
    file.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"\.asc: not as EyeLink .*again by edf2asc"):
        reader.read()


def test_bids_with_the_trackers_events(recorded):
    root, trials = recorded
    exporters.bids(root, trials)
    gaze = Table(root, tracker="bids", picture="centered", task="free").read()
    same(gaze, trials, seconds=0.0041)
    viewing = gaze.scanpaths[0].viewing
    assert viewing.px_per_degree == pytest.approx(1920 / 0.53 * 0.6 * np.tan(np.pi / 180), rel=1e-3)
    assert 1 < viewing.seconds < 5
    with pytest.raises(ValueError, match="does not fill 1920x1080"):
        Table(root, tracker="bids").read()
    for file in root.rglob("*_events.json"):
        file.write_text("{}")
    with pytest.raises(ValueError, match=r"field 'ScreenResolution' is missing\); complete the"):
        Table(root, tracker="bids", picture="centered").read()


@pytest.mark.parametrize(("rate", "noise"), [(250, 0.0), (250, 0.4), (1000, 0.4)])
def test_bids_without_events_has_them_detected(recorded, rate, noise):
    """Noise of .01 degrees, as an EyeLink has; every fixation comes back within .5 px."""
    pytest.importorskip("pymovements")
    root, trials = recorded
    trials = exporters.separated(trials)
    exporters.bids(root, trials, rate, events=False, noise=noise)
    gaze = Table(root, tracker="bids", picture="centered").read()
    same(gaze, trials, seconds=0.02, pixels=0.5)


def test_eyelink_asc_without_events_has_them_detected(recorded):
    pytest.importorskip("pymovements")
    root, trials = recorded
    trials = exporters.separated(trials)
    exporters.asc(root, trials, events=False)
    given = {"size": SCREEN, "picture": "centered", "eye": "right"}
    gaze = Table(root, tracker="asc", px_per_degree=exporters.DEGREE, **given).read()
    same(gaze, trials, eye=4, seconds=0.02, pixels=0.5)
    with pytest.raises(ValueError, match=r"no fixations \(EFIX\).*or give px_per_degree"):
        Table(root, tracker="asc", **given).read()


def test_a_recording_of_something_else_is_passed_over(recorded):
    root, trials = recorded
    exporters.bids(root, trials)
    other = next(root.rglob("*_physio.json"))
    other.write_text('{"PhysioType": "generic", "Columns": ["pulse"]}')
    assert len(Table(root, tracker="bids", picture="centered").read().scanpaths) == 18


def test_psychopy_gaze_from_the_center_of_the_screen(recorded):
    root, trials = recorded
    exporters.psychopy(root, trials)
    given = {"size": SCREEN, "picture": "centered", "eye": "right", "begins": r"IMAGE (\S+)"}
    same(Table(root, tracker="psychopy", **given).read(), trials)
    with pytest.raises(ValueError, match="give begins"):
        Table(root, tracker="psychopy", size=SCREEN).read()


def test_two_pictures_of_one_name_are_told_apart_or_refused(recorded):
    root, _ = recorded
    picture = (root / "images" / "pic00.png").read_bytes()
    for folder in ("a", "b"):
        (root / "images" / folder).mkdir()
        (root / "images" / folder / "same.png").write_bytes(picture)
    header, reader = ("image", "observer", "x", "y"), Table(root / "t.csv", "px", size="image")
    exporters.rows(root / "t.csv", header, [("same.png", "p", 1, 2)], ",")
    with pytest.raises(ValueError, match=r"2 images are called same\.png; name them with"):
        reader.read()
    exporters.rows(root / "t.csv", header, [("a/same.png", "p", 1, 2)], ",")
    assert len(reader.read().scanpaths) == 1
