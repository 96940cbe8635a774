"""The command line of the data room: names, settings, conversion."""

import dataclasses
import importlib
import inspect
import json
import os

import numpy as np
import pytest
from PIL import Image

from spgen_lit.data.__main__ import _setting, main
from spgen_lit.data.catalogue import CATALOGUE, build_reader
from spgen_lit.data.readers.converted import Converted


def said(capsys):
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_list_names_size_licence_citation_and_source_of_every_set(capsys):
    assert main(["list"]) == 0
    text = said(capsys)
    for name, entry in CATALOGUE.items():
        for part in (name, entry.size, entry.licence, entry.citation, entry.get, entry.reader):
            assert part in text
    assert main(["list", "cat2000"]) == 0
    assert said(capsys).startswith("cat2000\n")
    assert main(["list", "cat"]) == 2


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_reader_of_the_catalogue_takes_its_root_first_and_reads(name):
    module, _, attribute = CATALOGUE[name].reader.rpartition(".")
    reader = getattr(importlib.import_module(module), attribute)
    assert dataclasses.fields(reader)[0].name == "root"
    assert inspect.isfunction(reader.read)
    assert "root:" in reader.__doc__


def test_wrong_names_and_settings_are_answered_with_the_nearest(tmp_path, capsys):
    assert main(["check", "mit103", str(tmp_path)]) == 2
    assert "did you mean 'mit1003'?" in said(capsys)
    assert main(["check", "folder", str(tmp_path), "--set", "roott=x"]) == 2
    assert "unknown key 'folder.roott'" in said(capsys)
    assert main(["check", "table", str(tmp_path)]) == 2
    assert "units" in said(capsys)
    assert main(["check", "folder", str(tmp_path / "none")]) == 2
    assert "looked for" in said(capsys)
    assert main(["check", "folder", str(tmp_path), "--set", "root"]) == 2
    assert "key=value" in said(capsys)
    assert main(["check", "no.such.Reader", str(tmp_path)]) == 2


def test_settings_are_yaml(tmp_path):
    assert _setting("categories=[Art, Social]") == ("categories", ["Art", "Social"])
    assert _setting("gaze=false") == ("gaze", False)
    reader = build_reader("cat2000", tmp_path, categories=["Art"], gaze=False)
    assert (reader.categories, reader.gaze) == (["Art"], False)


def test_own_data_go_from_table_to_json_by_two_lines(tmp_path, capsys):
    Image.new("RGB", (200, 100)).save(tmp_path / "x.png")
    lines = ["image,observer,x,y,ms", "x.png,p1,20,10,150", "x.png,p1,199,99,250"]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    settings = ["units=px", "size=image", "duration=ms", "time=ms", "name=mine"]
    options = [word for setting in settings for word in ("--set", setting)]
    table = str(tmp_path / "mine.csv")
    assert main(["check", "table", table, *options]) == 0
    assert main(["convert", "table", table, str(tmp_path / "out"), "--to", "json", *options]) == 0
    assert "1 scanpaths on 1 images" in said(capsys)
    trial = json.loads((tmp_path / "out" / "scanpaths.json").read_text())[0]
    assert (trial["X"], trial["Y"], trial["T"]) == ([20, 199], [10, 99], [150, 250])
    (path,) = Converted(tmp_path / "out").read().scanpaths
    np.testing.assert_array_equal(path.pixels, [[20, 10], [199, 99]])
    assert main(["check", "converted", str(tmp_path / "out")]) == 0


def test_convert_leaves_nothing_half_written(tmp_path, monkeypatch):
    Image.new("RGB", (200, 100)).save(tmp_path / "x.png")
    out = tmp_path / "out"
    source = ["convert", "folder", str(tmp_path), str(out), "--to", "json"]
    monkeypatch.setattr("spgen_lit.data.exports.set_content", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(source)
    assert not out.exists()


@pytest.mark.parametrize("form", ["json", "csv", "pysaliency"])
def test_file_names_that_are_no_utf8_and_look_like_markup(tmp_path, capsys, form):
    folder = tmp_path / "[red]x"
    folder.mkdir()
    name = os.fsdecode(b"caf\xe9 [bold].png")
    Image.new("RGB", (20, 10)).save(folder / "a.png")
    (folder / "a.png").rename(folder / name)
    (folder / os.fsdecode(b"\xff.jpg")).write_text("no picture")
    assert main(["check", "folder", str(folder), "--json", str(tmp_path / "found.json")]) == 1
    text = said(capsys)
    assert "[red]x/\\udcff.jpg: the contents are not an image" in text
    (folder / os.fsdecode(b"\xff.jpg")).unlink()
    assert main(["convert", "folder", str(folder), str(tmp_path / "out"), "--to", form]) == 0
    assert list(Converted(tmp_path / "out").read().stimuli) == [name]
