"""Sets that come as MATLAB files: CAT2000, EyeCrowd, FIGRIM, SALICON, without MATLAB."""

import base64
import json
import zlib

import matlab_maps
import numpy as np
import pytest
import scipy.io
from PIL import Image

from spgen_lit.data.readers.cat2000 import Cat2000
from spgen_lit.data.readers.figrim import Figrim
from spgen_lit.data.readers.matlab import load_matlab
from spgen_lit.data.readers.osie import EyeCrowd
from spgen_lit.data.readers.salicon import Salicon


def picture(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def cell(items):
    array = np.empty((len(items), 1), dtype=object)
    for number, item in enumerate(items):
        array[number, 0] = item
    return array


def structs(items):
    names = list(items[0])
    array = np.empty((1, len(items)), dtype=[(name, object) for name in names])
    for number, item in enumerate(items):
        array[0, number] = tuple(item[name] for name in names)
    return array


@pytest.fixture(params=[matlab_maps.VERSION_7, matlab_maps.VERSION_7_3], ids=["v7", "v7.3"])
def cat2000(tmp_path, request):
    for name in ("Action/001.jpg", "Art/002.jpg", "Art/Output/002_SaliencyMap.jpg"):
        picture(tmp_path / "trainSet" / "Stimuli" / name, (192, 108))
    data = zlib.decompress(base64.b64decode(request.param))
    (tmp_path / "trainSet" / "allFixData.mat").write_bytes(data)
    return tmp_path


def test_cat2000_maps_are_read_from_both_kinds_of_file(cat2000):
    gaze = Cat2000(cat2000).read()
    assert list(gaze.stimuli) == ["Action/001.jpg", "Art/002.jpg"]
    assert [(p.image, p.observer) for p in gaze.scanpaths] == [
        ("Action/001.jpg", "ak"),
        ("Action/001.jpg", "bm"),
        ("Art/002.jpg", "yy"),
        ("Art/002.jpg", "zz"),
    ]
    np.testing.assert_allclose(gaze.scanpaths[0].pixels, [[10, 20], [30, 40]])
    # Counted from 1; a repeated row and a row without numbers are left out.
    np.testing.assert_allclose(gaze.scanpaths[3].pixels, [[0, 0], [959, 539], [1920, 1080]])
    assert gaze.scanpaths[0].durations is None


def test_cat2000_category_and_images_alone(cat2000):
    gaze = Cat2000(cat2000 / "trainSet", categories=["Art"]).read()
    assert {p.image for p in gaze.scanpaths} == set(gaze.stimuli) == {"Art/002.jpg"}
    (cat2000 / "trainSet" / "allFixData.mat").unlink()
    target = Cat2000(cat2000, categories=["Art"], gaze=False).read()
    assert target.scanpaths == []
    with pytest.raises(FileNotFoundError, match=r"Painting not found.*Action, Art"):
        Cat2000(cat2000, categories=["Painting"]).read()
    with pytest.raises(FileNotFoundError, match="fetch cat2000"):
        Cat2000(cat2000).read()


def test_cat2000_missing_image_is_named(cat2000):
    (cat2000 / "trainSet" / "Stimuli" / "Art" / "002.jpg").unlink()
    with pytest.raises(ValueError, match=r"image Art/002\.jpg, record 1: image missing"):
        Cat2000(cat2000).read()


def test_eyecrowd(tmp_path):
    picture(tmp_path / "data" / "stimuli" / "001.jpg", (1024, 768))
    people = [
        {"fix_x": np.array([512.0, 10.5]), "fix_y": [384.0, 20.25], "fix_duration": [200, 150]},
        {"fix_x": 100.0, "fix_y": 50.0, "fix_duration": 300},
    ]
    image = {"img": "001.jpg", "subjects": cell(people)}
    (tmp_path / "data" / "eye").mkdir()
    scipy.io.savemat(tmp_path / "data" / "eye" / "fixations.mat", {"fixations": cell([image])})
    gaze = EyeCrowd(tmp_path).read()
    assert gaze.name == "eyecrowd"
    np.testing.assert_allclose(gaze.scanpaths[0].pixels, [[512, 384], [10.5, 20.25]])
    np.testing.assert_allclose(gaze.scanpaths[0].durations, [0.2, 0.15])
    np.testing.assert_allclose(gaze.scanpaths[1].pixels, [[100, 50]])
    with pytest.raises(FileNotFoundError, match="fetch eyecrowd"):
        EyeCrowd(tmp_path / "eye").read()


def figrim_image(name, *fixations):
    return {
        "filename": name,
        "category": "airport",
        "userdata": structs(
            [
                {
                    "trial": 7 if f is not None else np.empty((0, 0)),
                    "fixations": structs([f]) if f is not None else np.empty((0, 0)),
                    "SDT": np.zeros((1, 3)),
                }
                for f in fixations
            ]
        ),
    }


def test_figrim_reads_the_phases_asked_for(tmp_path):
    none = np.empty((0, 0))
    seen = {
        "enc": np.array([[500.0, 250.0], [10.0, 20.0]]),
        "rec": np.array([[1.0, 2.0]]),
        "rec2": none,
    }
    first = figrim_image("a.jpg", seen, None)
    second = figrim_image("b.jpg", {"enc": none, "rec": none, "rec2": none}, seen)
    for table, item in (
        ("allImages_release.mat", first),
        ("fillerData/allImages_fillers.mat", second),
    ):
        (tmp_path / table).parent.mkdir(exist_ok=True)
        scipy.io.savemat(tmp_path / table, {"allImages": structs([item])})
    for name in ("Targets/airport/a.jpg", "Fillers/airport/b.jpg"):
        picture(tmp_path / name, (1000, 1000))
    gaze = Figrim(tmp_path).read()
    assert [(p.image, p.observer) for p in gaze.scanpaths] == [("a.jpg", "01"), ("b.jpg", "02")]
    np.testing.assert_allclose(gaze.scanpaths[0].xy, [[0.5, 0.25], [0.01, 0.02]])
    assert "memory task" in gaze.notes[0]
    assert len(Figrim(tmp_path, phases=("enc", "rec")).read().scanpaths) == 4
    with pytest.raises(ValueError, match="phases must be among"):
        Figrim(tmp_path, phases=("late",)).read()
    (tmp_path / "Fillers" / "airport" / "b.jpg").unlink()
    with pytest.raises(ValueError, match=r"image b\.jpg: image missing"):
        Figrim(tmp_path).read()


def salicon_mat(path, image):
    workers = [
        {
            "location": np.array([[1.0, 1.0], [321.0, 241.0], [641.0, 5.0]]),
            "timestamp": np.array([[0.0], [10.0], [20.0]]),
            "fixations": np.array([[321, 241], [11, 21]], np.int16),
        },
        {
            "location": np.empty((0, 0)),
            "timestamp": np.empty((0, 0)),
            "fixations": np.empty((0, 0)),
        },
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"image": image, "resolution": [[480, 640]], "gaze": structs(workers).T})


@pytest.fixture
def salicon(tmp_path):
    for split in ("train", "val", "test"):
        picture(tmp_path / "images" / split / f"COCO_{split}2014_0.jpg", (640, 480))
    return tmp_path


def test_salicon_matlab(salicon):
    for split in ("train", "val"):
        salicon_mat(
            salicon / "fixations" / split / f"COCO_{split}2014_0.mat", f"COCO_{split}2014_0"
        )
    gaze = Salicon(salicon).read()
    assert gaze.gaze == "mouse"
    assert "not eye movements" in gaze.notes[0]
    assert gaze.splits == {"train": ("COCO_train2014_0.jpg",), "val": ("COCO_val2014_0.jpg",)}
    assert len(gaze.scanpaths) == 4
    np.testing.assert_allclose(gaze.scanpaths[0].pixels, [[320, 240], [10, 20]])
    assert len(gaze.scanpaths[1]) == 0


def test_salicon_json_counts_rows_and_columns_from_one(salicon):
    for split in ("train", "val"):
        content = {
            "images": [
                {"id": 5, "file_name": f"COCO_{split}2014_0.jpg", "height": 480, "width": 640}
            ],
            "annotations": [
                {"id": 1, "image_id": 5, "worker_id": 9, "fixations": [[241, 321], [21, 11]]},
            ],
        }
        (salicon / f"fixations_{split}2014.json").write_text(json.dumps(content))
    gaze = Salicon(salicon).read()
    assert len(gaze.scanpaths) == 2
    assert gaze.scanpaths[0].observer == "9"
    np.testing.assert_allclose(gaze.scanpaths[0].pixels, [[320, 240], [10, 20]])
    content["annotations"].append({"id": 2, "image_id": 6, "fixations": [[1, 1]]})
    (salicon / "fixations_val2014.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"val2014\.json: annotation 2: needs image_id"):
        Salicon(salicon).read()
    with pytest.raises(FileNotFoundError, match="salicon not found: looked for"):
        Salicon(salicon / "images").read()


def test_load_matlab_shapes_and_errors(tmp_path):
    inner = {"text": "Grüße", "numbers": np.arange(6.0).reshape(2, 3), "many": cell([1.0, "b"])}
    scipy.io.savemat(tmp_path / "a.mat", {"s": inner, "t": structs([{"k": 1}, {"k": 2}])})
    content = load_matlab(tmp_path / "a.mat")
    assert content["s"]["text"] == "Grüße"
    np.testing.assert_array_equal(content["s"]["numbers"], np.arange(6.0).reshape(2, 3))
    assert content["s"]["many"][1] == "b"
    assert [int(item["k"].item()) for item in content["t"]] == [1, 2]
    (tmp_path / "b.mat").write_text("text")
    with pytest.raises(ValueError, match=r"b\.mat: not a readable MATLAB file"):
        load_matlab(tmp_path / "b.mat")
    with pytest.raises(FileNotFoundError, match="No such file"):
        load_matlab(tmp_path / "c.mat")
