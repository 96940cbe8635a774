"""What a table means is declared once: check writes it beside the table, the others read it."""

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.data import exporters
from tests.data.exporters import SCREEN

from spgen_lit.data.__main__ import main
from spgen_lit.data.catalogue import CATALOGUE, build_reader
from spgen_lit.data.readers.table import Table

EYELINK = ["tracker=eyelink", f"size={list(SCREEN)}", "picture=centered"]


def declare(root, *settings):
    return main(["check", "table", str(root), *(w for s in settings for w in ("--set", s))])


@pytest.fixture
def recorded(tmp_path):
    trials = exporters.truth(tmp_path, images=4)
    return exporters.eyelink(tmp_path, trials), trials


def test_check_writes_the_declaration_and_convert_reads_it(recorded, tmp_path, capsys):
    table, trials = recorded
    assert declare(table, *EYELINK) == 0
    assert "declared in" in capsys.readouterr().out
    stored = yaml.safe_load((tmp_path / "gaze.yaml").read_text())
    assert stored["file"] == "fixations.txt"
    assert (stored["tracker"], stored["picture"]) == ("eyelink", "centered")
    assert len(Table(tmp_path).read().scanpaths) == len(trials)
    assert main(["convert", "table", str(tmp_path), str(tmp_path / "out"), "--to", "csv"]) == 0
    converted = build_reader("converted", tmp_path / "out").read()
    np.testing.assert_array_equal(converted.scanpaths[0].xy, Table(tmp_path).read().scanpaths[0].xy)
    assert declare(tmp_path, "seconds=3") == 0  # what was declared before still counts
    assert yaml.safe_load((tmp_path / "gaze.yaml").read_text()) == stored | {"seconds": 3}


def test_a_table_with_errors_leaves_no_declaration(recorded, tmp_path, capsys):
    table, _ = recorded
    assert declare(table, "tracker=eyelink", f"size={list(SCREEN)}") == 1
    assert "does not fill" in capsys.readouterr().out
    assert not (tmp_path / "gaze.yaml").exists()
    (tmp_path / "gaze.yaml").write_text("trackr: eyelink\n")
    assert declare(table) == 2
    assert "needs settings of a table" in capsys.readouterr().err


def test_viewing_conditions_survive_conversion(recorded, tmp_path):
    table, _ = recorded
    assert declare(table, *EYELINK, "seconds=4", "px_per_degree=38", "task=free") == 0
    for form in ("json", "csv", "pysaliency"):
        out = tmp_path / form
        assert main(["convert", "table", str(tmp_path), str(out), "--to", form]) == 0
        gaze = build_reader("converted", out).read()
        assert {(p.viewing.seconds, p.viewing.task) for p in gaze.scanpaths} == {(4, "free")}
        assert gaze.scanpaths[0].viewing.px_per_degree == pytest.approx(38)


def test_the_sheet_shows_gaze_on_the_pictures(recorded, tmp_path, capsys):
    table, _ = recorded
    settings = [word for setting in EYELINK for word in ("--set", setting)]
    sheet = tmp_path / "sheet.png"
    assert main(["check", "table", str(table), *settings, "--sheet", str(sheet)]) == 0
    pixels = np.asarray(Image.open(sheet).convert("RGB")).astype(int)
    assert pixels.shape == (360, 4 * 360, 3)
    colorful = (pixels.max(axis=2) - pixels.min(axis=2)) > 80
    inside = colorful[43:317].sum()
    assert inside > 500
    assert colorful[20:40].sum() < inside / 50


@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if entry.downloads])
def test_a_missing_set_names_the_command_that_gets_it(name, tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        build_reader(name, tmp_path / "nowhere").read()
    fetched = "mit1003" if name.startswith("mit1003") else name
    assert f"spgen data fetch {fetched}" in str(error.value)
