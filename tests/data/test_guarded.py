"""Damaged files crash libraries, hang or fill the memory: one line that names the file."""

import base64
import ctypes
import json
import os
import zlib
from pathlib import Path

import matlab_maps
import pytest

from spgen_lit.data.readers import guarded as module
from spgen_lit.data.readers.converted import Converted
from spgen_lit.data.readers.guarded import guarded
from spgen_lit.data.readers.matlab import load_matlab
from spgen_lit.data.readers.table import Table


class Crash:
    """Reads address 0 in the process that takes it."""

    def __reduce__(self):
        return ctypes.string_at, (0,)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "damaged.mat"
    path.write_bytes(b"content")
    return path


def test_a_crash_is_an_error_and_reading_goes_on(file):
    with pytest.raises(ValueError, match=r"damaged\.mat: reading it crashed \(exit code -11\)"):
        list(guarded(Crash(), file))
    assert bytes(guarded(Path.read_bytes, file)) == b"content"


def test_a_damaged_matlab_file_that_crashes_scipy(file):
    file.write_bytes(zlib.decompress(base64.b64decode(matlab_maps.CRASHES)))
    with pytest.raises(ValueError, match=r"damaged\.mat: "):
        load_matlab(file)


def test_a_relative_path_is_of_the_folder_that_we_are_in(file, tmp_path, monkeypatch):
    list(guarded(Path.read_bytes, file))  # the process has begun in the folder of before
    monkeypatch.chdir(tmp_path)
    assert bytes(guarded(Path.read_bytes, Path(file.name))) == b"content"


def test_what_the_function_raises_names_the_file(file):
    with pytest.raises(ValueError, match=r"damaged\.mat: not a readable data file \(TypeError"):
        list(guarded(len, file))


def test_a_hang_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS", 0.5)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=r"pipe: reading it took over 0 s.*SPGEN_READ_LIMIT=2"):
        list(guarded(Path.read_bytes, tmp_path / "pipe"))


def test_memory_is_limited(file, monkeypatch):
    monkeypatch.setattr(module, "_MEMORY_PER_BYTE", 0)
    os.truncate(file, 4 << 30)
    with pytest.raises(ValueError, match=r"damaged\.mat: needs over 2\.0 GiB.*SPGEN_READ_LIMIT=2"):
        list(guarded(Path.read_bytes, file))


def test_a_reader_left_in_the_middle_leaves_nothing_to_the_next(file):
    started = guarded(Path.read_bytes, file)
    assert next(started) == ord("c")
    assert bytes(guarded(Path.read_bytes, file)) == b"content"
    started.close()
    assert bytes(guarded(Path.read_bytes, file)) == b"content"


@pytest.mark.parametrize("key", ["first_fixation", "task", "dataset"])
def test_viewing_conditions_that_are_no_text_are_named(key, tmp_path):
    size = {"width": 3, "height": 2}
    item = {"id": "a.png", "file": "a.png", **size, "viewing": {key: {"a": 1}}}
    (tmp_path / "set.json").write_text(json.dumps({"images": [item]}))
    (tmp_path / "scanpaths.json").write_text("[]")
    with pytest.raises(ValueError, match=rf"set\.json: .*{key} must be"):
        Converted(tmp_path).read()


def test_a_declaration_that_is_no_yaml_is_named(tmp_path):
    (tmp_path / "gaze.yaml").write_text("file: fix.csv\nunits: [px")
    with pytest.raises(ValueError, match=r"gaze\.yaml: not readable as YAML \(.*\)$"):
        Table(tmp_path).read()
