"""The command that trains: every shipped experiment for real, and every way it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from spgen_lit.config import CONFIG_DIR, one_line_errors
from spgen_lit.training.run import run

# `natural` names its four sets; its first stage is run below.
EXPERIMENTS = sorted(
    p.stem for p in (Path(CONFIG_DIR) / "experiment").glob("*.yaml") if p.stem != "natural"
)
TINY = [
    "data/source=gallery",
    "data/target=gallery",
    "data/evaluation=none",
    "data/styles=none",
    *(f"data.{d}.gallery.images=10" for d in ("source", "target")),
    *(f"++data.{d}.gallery.observers=2" for d in ("source", "target")),
    *(f"++data.{d}.gallery.size=[96,64]" for d in ("source", "target")),
    *("data.batch_size=2", "data.target_batch_size=2", "data.val=0.2", "data.test=0.2"),
    *("network.encoder.weights=none", "network.frame=[96,64]", "network.priors=4"),
    *("trainer.max_epochs=1", "trainer.check_val_every_n_epoch=1", "trainer.log_every_n_steps=1"),
    *("evaluation.samples=2", "evaluation.metrics=quick", "evaluation.pictures=1"),
    "data.weights=null",
]
RESULTS = ["protocol.json", "scores.csv", "summary.json"]
HYDRA = {f".hydra/{name}.yaml" for name in ("config", "hydra", "overrides")}
FILES = {
    *HYDRA,
    *("checkpoints/best.ckpt", "checkpoints/last.ckpt"),
    *("config.yaml", "hparams.yaml", "metrics.csv", "summary.json"),
    *("pictures/domains.png", "pictures/training.png"),
    "pictures/source-gallery/photo-N.png",
    "pictures/target-gallery/painting-N.png",
    *(f"results/{d}-gallery/{name}" for d in ("source", "target") for name in RESULTS),
}


def _train(folder: Path, *overrides: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SPGEN")}
    cache = {"SPGEN_CACHE": str(folder.parent / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "spgen_lit.train", *overrides],
        cwd=folder,
        env=inherited | cache | environment,
        capture_output=True,
        text=True,
    )


def _files(folder: Path) -> set[str]:
    names = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    # Parquet is written where pandas and pyarrow are.
    kept = (name for name in names if not name.endswith(".parquet"))
    return {re.sub(r"(photo|painting)-\d+", r"\1-N", name) for name in kept}


@pytest.fixture(scope="module")
def experiments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All shipped experiments, one after another in one process, on a tiny gallery."""
    folder = tmp_path_factory.mktemp("train")
    done = _train(
        folder,
        "-m",
        f"+experiment={','.join(EXPERIMENTS)}",
        *TINY,
        f"hydra.sweep.dir={folder}/runs",
        "hydra.sweep.subdir=${name}",
        "~hydra.callbacks.sweep",
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder / "runs"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_runs_and_leaves_exactly_its_files(experiments: Path, name: str) -> None:
    folder = experiments / name
    if name == "da_paintings":  # two stages, each a run of its own
        assert (folder / "1-photographs" / "summary.json").is_file()
        folder, name = folder / "2-paintings", "da_paintings-paintings"
        assert _files(folder) | HYDRA == FILES
    elif name in ("finetune", "painted_natural"):  # scored before training too
        assert _files(folder) > FILES
    else:
        assert _files(folder) == FILES
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["name"] == name
    # What begins with another run's weights does not begin with random ones.
    begun = name in ("da_paintings-paintings", "finetune", "painted_natural")
    assert summary["random_initial_weights"] is not begun
    assert any("random weights" in warning for warning in summary["warnings"]) is not begun
    assert any("simulated" in warning for warning in summary["warnings"])
    assert set(summary["results"]) == {"source-gallery", "target-gallery"}
    for scores in summary["results"].values():
        assert {"model", "observers", "chance", "normalized"} <= scores["energy"].keys()
    assert 0 < summary["validation_energy"] < 1
    header = (folder / "metrics.csv").read_text().splitlines()[0].split(",")
    expected = {"train/loss", "val/energy", "adaptation/coefficient", "gradient/encoder"}
    expected |= {"adaptation/source_accuracy", "adaptation/target_accuracy"}
    assert expected <= set(header)
    assert any(column.startswith("lr-") for column in header)


def test_the_general_recipe_trains_and_its_second_stage_paints_osie(tmp_path: Path) -> None:
    tiny = [*TINY, "data/target=none", "stages=null", "network.datasets=[gallery]"]
    dropped = ("data/target=gallery", "data.target.")
    left_out = [o for o in tiny if not o.lstrip("+").startswith(dropped)]
    done = _train(tmp_path, "+experiment=natural", *left_out, "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr[-2000:]
    with initialize_config_dir(str(CONFIG_DIR), version_base=None):
        stages = compose("train", ["+experiment=natural"]).stages
    assert stages.paintings.data.styles.osie._target_.endswith("Painted")


def test_a_run_that_is_stopped_goes_on_from_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    common = ["+experiment=smoke", *TINY, "trainer.max_epochs=2", "hydra.run.dir=run"]
    (tmp_path / "stopping.py").write_text(
        "import os, signal\n"
        "import lightning as L\n"
        "class Stop(L.Callback):\n"
        "    def on_train_batch_start(self, trainer, *_):\n"
        "        if trainer.global_step == 4:\n"
        "            os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    stopped = _train(
        folder, *common, "+callbacks.test._target_=stopping.Stop", PYTHONPATH=str(tmp_path)
    )
    assert stopped.returncode == 143, stopped.stderr[-2000:]
    assert not (folder / "run" / "summary.json").exists()
    before = (folder / "run" / "metrics.csv").read_text().splitlines()
    resumed = _train(folder, *common, "ckpt_path=run/checkpoints/last.ckpt")
    assert resumed.returncode == 0, resumed.stderr[-2000:]
    assert "resumed from" in resumed.stdout
    # The curve goes on where it was: every step once.
    after = (folder / "run" / "metrics.csv").read_text().splitlines()
    column = after[0].split(",").index("train/loss")
    step = after[0].split(",").index("step")
    steps = [int(r.split(",")[step]) for r in after[1:] if r.split(",")[column]]
    assert steps == sorted(set(steps)) and steps[-1] == 7 and 0 in steps
    assert len(after) > len(before)
    # The checkpoint before the last one is kept until the run is over.
    assert _files(folder / "run") - {"checkpoints/last-previous.ckpt"} == FILES


BAD = [
    (["data/source=osie", "paths.data_dir=nowhere"], 2, r"nowhere/osie.*spgen data fetch osie"),
    (
        ["data/target=folder", "data.target.folder.root=empty"],
        2,
        r"image not found.* in empty\. Set",
    ),
    (["data/source=gallery", "+network.prior=3"], 2, r"'network.prior'; did you mean 'priors'"),
    (["+optimizer.lrr=3"], 2, r"'optimizer.lrr'; did you mean 'lr'"),
    (["ckpt_path=missing.ckpt"], 2, r"ckpt_path: no file at missing.ckpt"),
    (["start_from=missing.ckpt"], 2, r"start_from: .*missing.ckpt: no such file"),
    (["feature_cache=true", "data.augment.crop=0.5"], 2, r"feature_cache.*augment.crop=0.5"),
    (["feature_cache=true", "data.augment.texture=0.5"], 2, r"feature_cache.*texture=0.5"),
    (
        ["feature_cache=true", "network.encoder.domain_norm=statistics"],
        2,
        r"feature_cache.*domain_norm=statistics",
    ),
    (["feature_cache=true", "compile=true"], 2, r"feature_cache.*compile=true"),
    (["optimizer.lr=1e30", "optimizer.encoder_lr=1e30"], 1, r"diverged: .*lower optimizer.lr"),
]


@pytest.mark.parametrize(("overrides", "code", "message"), BAD)
def test_what_cannot_work_ends_in_one_line(
    tmp_path: Path, monkeypatch, capsys, overrides: list[str], code: int, message: str
) -> None:
    folder = tmp_path
    (folder / "empty").mkdir()
    kept = [o for o in TINY if not any(o.split("=")[0] == w.split("=")[0] for w in overrides)]
    dropped = [
        d for d in ("source", "target") if any(w.startswith(f"data/{d}=") for w in overrides)
    ]
    kept = [o for o in kept if not any(f"data.{d}.gallery" in o for d in dropped)]
    with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
        places = [f"paths.output_dir={folder}/bad", f"paths.cache_dir={folder}/cache"]
        places += ["~callbacks.progress", "~callbacks.domain_monitor"]
        config = compose("train", [*kept, *places, *overrides])
    monkeypatch.chdir(folder)
    (folder / "bad").mkdir(exist_ok=True)
    with pytest.raises(SystemExit) as ended, one_line_errors():
        run(config)
    assert ended.value.code == code
    errors = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert len(errors) == 1 and re.search(message, errors[0]), errors
    assert not (folder / "bad" / "summary.json").exists()
    assert not (folder / "bad" / "results").exists()


def test_a_refusal_ends_the_command_without_a_traceback(tmp_path: Path) -> None:
    done = _train(tmp_path, "data/source=osie", "paths.data_dir=nowhere")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "nowhere/osie" in errors[0] and "fetch osie" in errors[0]


def test_help_lists_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "spgen_lit", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert {"train", "evaluate", "predict", "report", "export", "data"} <= set(done.stdout.split())
    wrong = subprocess.run(
        [sys.executable, "-m", "spgen_lit", "trian"], capture_output=True, text=True
    )
    assert wrong.returncode == 2 and "No such command 'trian'" in wrong.stderr
