"""The evaluate command on a small gallery: checkpoint, baseline, scanpath file, refusals."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from rich.console import Console
from tests.networks import tree

from spgen_lit.config import CONFIG_DIR
from spgen_lit.data.duplicates import content_hash
from spgen_lit.data.gallery import Gallery
from spgen_lit.data.records import GazeSet
from spgen_lit.data.splits import split_images
from spgen_lit.evaluate import run
from spgen_lit.evaluation.results import Results
from spgen_lit.instantiation import build_network
from spgen_lit.pretrained import write_pretrained
from spgen_lit.report import main as report

SMALL = {"images": 20, "observers": 4, "size": (64, 48)}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def gaze(cache: Path) -> GazeSet:
    return Gallery(cache / "gallery", **SMALL).read()  # type: ignore[arg-type]


def words(cache: Path, *overrides: str) -> list[str]:
    small = [f"+data.source.gallery.{key}={value}" for key, value in SMALL.items()]
    small = [word.replace("(", "[").replace(")", "]").replace(" ", "") for word in small]
    small[0] = small[0].lstrip("+")
    return [f"paths.cache_dir={cache}", *small, "test=0.4", "metrics=quick", *overrides]


def config(cache: Path, *overrides: str) -> DictConfig:
    with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
        return compose("evaluate", overrides=words(cache, *overrides))


def score(cache: Path, folder: Path, *overrides: str) -> Results:
    console = Console(file=io.StringIO(), width=100)
    run(config(cache, f"output={folder}", *overrides), console)
    return Results.load(folder)


def people_file(gaze: GazeSet, path: Path, **changes: object) -> Path:
    trials = [
        {
            "name": p.image,
            "subject": p.observer,
            "X": p.pixels[:, 0].tolist(),
            "Y": p.pixels[:, 1].tolist(),
            "T": (1000 * p.durations).tolist() if p.durations is not None else None,
            "length": len(p),
        }
        for p in gaze.scanpaths
    ]
    trials[0] |= changes
    path.write_text(json.dumps(trials))
    return path


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spgen_lit.evaluate", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=500,
    )


def test_a_baseline_through_the_real_command(tmp_path: Path, cache: Path, gaze: GazeSet) -> None:
    done = command(tmp_path, *words(cache, "data=gallery", "baseline=uniform", "metrics=full"))
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "outputs" / "evaluate" / "gallery-test-uniform"
    names = {path.name for path in folder.iterdir()} - {"scores.parquet"}
    assert names == {"scores.csv", "summary.json", "protocol.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"outputs"}
    assert "SIMULATED gaze" in done.stdout
    assert "energy score ↓" in done.stdout
    assert "saliency" in done.stdout
    summary = json.loads((folder / "summary.json").read_text())
    energy = summary["metrics"]["energy"]
    assert energy["observers"] < energy["other_image"]
    assert energy["observers"] < energy["value"]
    assert summary["meta"]["baseline"] == "uniform"
    assert summary["images"] == len(split_images(gaze, test=0.4)["test"]) == 8
    # What was scored is the band's own uniform: the same seed, the same draws.
    assert energy["value"] == energy["uniform"]


def test_a_wrong_file_through_the_real_command(tmp_path: Path, cache: Path, gaze: GazeSet) -> None:
    path = people_file(gaze, tmp_path / "theirs.json", X=[1.0, float("nan")], Y=[1, 1], T=[9, 9])
    arguments = ["scanpaths=theirs.json", "units=px", "time=ms", "split=all"]
    done = command(tmp_path, *words(cache, *arguments))
    assert done.returncode == 2
    first = gaze.scanpaths[0]
    assert "theirs.json: 1 of 80 trials are faulty" in done.stderr
    assert f"trial 0 ({first.image}, subject {first.observer}): fields must be" in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_people_as_a_file_score_as_people(tmp_path: Path, cache: Path, gaze: GazeSet) -> None:
    path = people_file(gaze, tmp_path / "people.json")
    given = [f"scanpaths={path}", "units=px", "time=ms"]
    results = score(cache, tmp_path / "out", *given, "band=[observers,other_image]")
    assert list(results.band) == ["observers", "other_image"]
    counts = results.meta["counts"]
    assert counts["trials"] == 80
    assert counts["kept"] == 8 * 4
    assert counts["left_out"] == 0
    assert counts["on_images_of_other_splits"] == 12 * 4
    # Copies are known as people's own paths, px and ms notwithstanding: no self-pairs.
    assert results.model.notes["self_pairs"] == 8 * 4
    np.testing.assert_allclose(results.model.rows, results.band["observers"].rows, atol=1e-9)


def test_dropped_trials_and_images_are_counted(tmp_path: Path, cache: Path, gaze: GazeSet) -> None:
    test = split_images(gaze, test=0.4)["test"]
    trials = json.loads(people_file(gaze, tmp_path / "x.json").read_text())
    trials = [t for t in trials if t["name"] != test[0]]
    bad = next(t for t in trials if t["name"] == test[1])
    bad |= {"X": bad["X"][:2], "Y": bad["Y"][:2], "T": bad["T"][:2], "length": 2}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(trials))
    given = [f"scanpaths={path}", "units=px", "time=ms", "band=[observers]"]
    with pytest.raises(ValueError, match="X: 2 fixations, at least 3 are needed: minimum=2"):
        run(config(cache, *given, "minimum=3"), Console(file=io.StringIO()))
    with pytest.raises(ValueError, match=rf"no scanpath on 1 of 8 images .*{test[0]}"):
        run(config(cache, *given), Console(file=io.StringIO()))
    results = score(cache, tmp_path / "out", *given, "minimum=3", "bad=drop")
    assert len(results.model.images) == 7
    assert test[0] not in results.model.images
    assert results.meta["counts"]["left_out"] == 1
    assert results.meta["counts"]["images_without_scanpaths"] == 1


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    spec = tree(frame=[64, 64], channels=16)
    torch.manual_seed(0)
    state = {f"network.{k}": v for k, v in build_network(spec).state_dict().items()}
    info = {
        "network": spec,
        "frame": {"size": [64, 64], "mode": "stretch"},
        "source": ["gallery"],
        "config": {"data": {"split_seed": 0, "val": 0.1, "test": 0.4}},
    }
    path = tmp_path_factory.mktemp("run") / "best.ckpt"
    torch.save({"spgen_lit": info, "state_dict": state}, path)
    return path


def test_a_checkpoint_is_sampled_once_an_image(
    tmp_path: Path, cache: Path, checkpoint: Path
) -> None:
    given = [f"ckpt_path={checkpoint}", "samples=3", "band=[observers]", "device=cpu"]
    results = score(cache, tmp_path / "one", *given, "batch_size=3")
    assert results.protocol.samples == 3
    assert results.model.counts.loc["scanmatch", "comparisons"] == 8 * 3 * 4
    assert np.isfinite(results.model.mean("energy"))
    assert results.meta["trained_on"] == ["gallery"]
    again = score(cache, tmp_path / "two", *given, "batch_size=8")
    np.testing.assert_allclose(again.model.rows, results.model.rows, atol=1e-6)


def test_a_model_is_scored_by_name_and_simulated_gaze_is_said(
    tmp_path: Path, cache: Path, checkpoint: Path
) -> None:
    saved = torch.load(checkpoint, weights_only=True)
    saved["spgen_lit"]["gaze"] = "simulated"
    torch.save(saved, tmp_path / "best.ckpt")
    write_pretrained(tmp_path / "best.ckpt", tmp_path / "mine")
    given = words(cache, "samples=3", "band=[observers]", "device=cpu", "output=out")
    done = command(tmp_path, *given, "--model", "mine")
    assert done.returncode == 0, done.stderr
    assert "warning: mine: trained on SIMULATED gaze" in done.stdout
    meta = json.loads((tmp_path / "out" / "summary.json").read_text())["meta"]
    card = json.loads((tmp_path / "mine" / "card.json").read_text())
    assert meta["provenance"]["scored"] == {"model": "mine", "sha256": card["sha256"]}
    assert "SIMULATED" in meta["warnings"][0]


def test_another_division_than_that_of_training_is_named(
    tmp_path: Path, cache: Path, gaze: GazeSet, checkpoint: Path
) -> None:
    found = torch.load(checkpoint, weights_only=True)
    found["spgen_lit"]["trained_on"] = {"gallery": dict.fromkeys(gaze.stimuli, "")}
    torch.save(found, tmp_path / "all.ckpt")
    given = config(cache, f"ckpt_path={tmp_path / 'all.ckpt'}", "split_seed=1", "test=0.2")
    with pytest.raises(ValueError, match=r"was trained on .* add split_seed=0 test=0.4, as in"):
        run(given, Console(file=io.StringIO()))


def test_images_that_the_model_was_trained_on_are_refused_or_left_out(
    tmp_path: Path, cache: Path, gaze: GazeSet, checkpoint: Path
) -> None:
    test = split_images(gaze, test=0.4)["test"]
    found = torch.load(checkpoint, weights_only=True)
    # One by its id, another under another name in another set.
    ids = {test[0]: "0" * 16}
    copies = {"x.jpg": content_hash(gaze.stimuli[test[1]].path)}
    found["spgen_lit"]["trained_on"] = {"gallery": ids, "other": copies}
    torch.save(found, tmp_path / "seen.ckpt")
    given = [f"ckpt_path={tmp_path / 'seen.ckpt'}", "samples=2", "band=[observers]", "device=cpu"]
    with pytest.raises(ValueError, match=rf"trained on 2 of the {len(test)} images .* seen=drop"):
        score(cache, tmp_path / "refused", *given)
    results = score(cache, tmp_path / "dropped", *given, "seen=drop")
    assert len(results.model.images) == len(test) - 2
    assert results.meta["counts"]["images_seen_in_training"] == 2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ((), "exactly one of model, ckpt_path, baseline, scanpaths to score; found none"),
        (("baseline=uniform", "ckpt_path=x"), "found ckpt_path, baseline"),
        (("baseline=best",), "unknown baselines"),
        (
            ("baseline=uniform", "split=tets"),
            "split=tets: choose one of train, .*or give a file",
        ),
        (("baseline=uniform", "split=test", "test=0"), "split=test of gallery holds no image"),
        (("baseline=uniform", "protocol=chen"), "unknown protocol 'chen'"),
        (("baseline=uniform", "+protocol_fields.sed=3"), "protocol_fields: .*'sed'.*sed_grid"),
        (("baseline=uniform", "metrics=[enrgy]"), "unknown measures enrgy"),
        (("scanpaths=x.json",), "units must be px or relative"),
        (("ckpt_path=nothing.ckpt",), "model nothing.ckpt: no such file"),
    ],
)
def test_refusals_name_what_to_change(
    overrides: tuple[str, ...], message: str, cache: Path, gaze: GazeSet
) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        run(config(cache, *overrides), Console(file=io.StringIO()))


def test_a_set_without_gaze_is_refused(tmp_path: Path, cache: Path) -> None:
    given = config(cache, "baseline=uniform")
    given.data.source = {
        "mine": {"_target_": "spgen_lit.data.readers.folder.Folder", "root": str(tmp_path)}
    }
    (tmp_path / "a.png").write_bytes(_png())
    with pytest.raises(ValueError, match="data=mine has no gaze"):
        run(given, Console(file=io.StringIO()))


def _png() -> bytes:
    import cv2

    return bytes(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1])


def test_a_result_is_verified_against_its_files(
    tmp_path: Path, cache: Path, gaze: GazeSet, capsys: pytest.CaptureFixture[str]
) -> None:
    path = people_file(gaze, tmp_path / "people.json")
    given = [f"scanpaths={path}", "units=px", "time=ms", "band=[observers]"]
    ids = tmp_path / "ids.txt"
    results = score(cache, tmp_path / "out", *given, f"ids={ids}")
    facts = results.meta["provenance"]
    assert facts["scored"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {"version", "commit", "dirty"} <= facts.keys()
    assert sorted(ids.read_text().split()) == sorted(split_images(gaze, test=0.4)["test"])
    assert report(["verify", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.count("ok:") == 5
    # The listed ids are a split of their own.
    again = score(cache, tmp_path / "again", *given, f"split={ids}")
    assert again.meta["provenance"]["ids"] == facts["ids"]
    path.write_text(path.read_text() + " ")
    table = tmp_path / "out" / "scores.csv"
    table.write_text(table.read_text().replace("0.", "1.", 1))
    assert report(["verify", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().out.count("CHANGED") == 2


def test_a_readers_name_from_elsewhere_is_not_run(
    tmp_path: Path, cache: Path, gaze: GazeSet, capsys: pytest.CaptureFixture[str]
) -> None:
    score(cache, tmp_path / "out", "baseline=uniform", "band=[observers]")
    summary = tmp_path / "out" / "summary.json"
    summary.write_text(summary.read_text().replace("spgen_lit.data.gallery.Gallery", "os.system"))
    assert report(["verify", str(tmp_path / "out")]) == 2
    assert "provenance.data.reader: _target_ os.system" in capsys.readouterr().err


def test_samples_of_a_file_are_cut_to_the_first(tmp_path: Path, cache: Path, gaze: GazeSet) -> None:
    path = people_file(gaze, tmp_path / "people.json")
    given = [f"scanpaths={path}", "units=px", "time=ms", "band=[observers]"]
    assert score(cache, tmp_path / "all", *given).protocol.samples == 4
    results = score(cache, tmp_path / "two", *given, "samples=2")
    assert (results.protocol.samples, results.model.samples) == (2, (2, 2))
    with pytest.raises(ValueError, match=r"samples=5, but .* has fewer on some images"):
        run(config(cache, *given, "samples=5"), Console(file=io.StringIO()))


def test_folds_are_written_beside_the_result(tmp_path: Path, cache: Path) -> None:
    score(cache, tmp_path / "out", "baseline=uniform", "band=[observers]", "folds=3")
    text = (tmp_path / "out" / "folds.csv").read_text()
    assert text.startswith("fold,metric,label") and "fold 3,energy," in text


def test_the_library_function_stays_callable_beside_the_command_of_its_name(gaze: GazeSet) -> None:
    import spgen_lit.evaluate
    from spgen_lit import evaluate
    from spgen_lit.evaluation.protocol import preset

    observers = dict(list(gaze.by_image().items())[:2])
    results = evaluate(observers, observers, preset("spgen_lit"), metrics=["scanmatch"])
    assert results.model.mean("scanmatch") > 0
    assert spgen_lit.evaluate.run is run
