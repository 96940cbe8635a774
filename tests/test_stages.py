"""Recipes of stages: each begins with the best of the one before, and a stopped one goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from spgen_lit.instantiation import ConfigError
from spgen_lit.training.resumption import run_stages


def _config(folder: Path, **settings: object) -> DictConfig:
    return OmegaConf.create(
        {
            "name": "recipe",
            "ckpt_path": None,
            "start_from": None,
            "optimizer": {"lr": 1.0, "warmup": 0.1},
            "paths": {"output_dir": str(folder)},
            "stages": {"one": {"optimizer": {"lr": 2.0}}, "two": {"optimizer": {"lr": 3.0}}},
            **settings,
        }
    )


class Runner:
    """Stands for training: keeps what it was given and writes what a finished run leaves."""

    def __init__(self, stop_in: str = "") -> None:
        self.seen: list[DictConfig] = []
        self.stop_in = stop_in

    def __call__(self, config: DictConfig) -> float:
        self.seen.append(config)
        folder = Path(config.paths.output_dir)
        (folder / "checkpoints").mkdir(exist_ok=True)
        if self.stop_in and config.name.endswith(self.stop_in):
            (folder / "checkpoints" / "last.ckpt").touch()
            raise KeyboardInterrupt
        (folder / "summary.json").touch()
        return config.optimizer.lr


def test_stages_differ_in_their_settings_and_train_on_from_one_another(tmp_path: Path) -> None:
    run = Runner()
    assert run_stages(_config(tmp_path, start_from="first.ckpt"), run) == 3.0
    one, two = run.seen
    assert (one.name, one.optimizer, one.start_from) == (
        "recipe-one",
        {"lr": 2.0, "warmup": 0.1},
        "first.ckpt",
    )
    assert two.start_from == str(tmp_path / "1-one" / "checkpoints" / "best.ckpt")
    assert two.paths.output_dir == str(tmp_path / "2-two")
    assert one.stages is None and two.ckpt_path is None


def test_the_command_line_wins_over_a_stage(tmp_path: Path) -> None:
    run = Runner()
    run_stages(_config(tmp_path, optimizer={"lr": 9.0}), run, ["optimizer.lr=9.0"])
    assert [config.optimizer.lr for config in run.seen] == [9.0, 9.0]


def test_a_stopped_recipe_goes_on_in_the_stage_it_was_stopped_in(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_stages(_config(tmp_path), Runner(stop_in="two"))
    again = Runner()
    run_stages(_config(tmp_path), again)
    (two,) = again.seen
    assert two.name == "recipe-two"
    assert two.ckpt_path == str(tmp_path / "2-two" / "checkpoints" / "last.ckpt")


def test_a_checkpoint_cannot_be_named_for_a_recipe(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"goes on by itself.*hydra.run.dir="):
        run_stages(_config(tmp_path, ckpt_path="last.ckpt"), Runner())
