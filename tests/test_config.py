"""Configuration errors: one line, the nearest valid key, and exit code 2."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import hydra
import lightning as L
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from tests.networks import spgen

from spgen_lit.config import CONFIG_DIR, check_overrides
from spgen_lit.instantiation import ConfigError, arguments, built, check_names, instantiated
from spgen_lit.learning.optimizer import ScheduledAdamW
from spgen_lit.learning.reversal import Schedule
from spgen_lit.network.spgen import SPGen

ROOT = Path(CONFIG_DIR)
EMA = "spgen_lit.learning.callbacks.checkpointing.Ema"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "trainer.max_epoch=3",
            "unknown key 'trainer.max_epoch'; did you mean 'max_epochs'",
        ),
        ("netwrok.priors=3", "unknown key 'netwrok.priors'; did you mean 'network.priors'"),
        ("network.prior=3", "unknown key 'network.prior'; did you mean 'priors'"),
        ("batch_size=3", "did you mean 'data.batch_size'"),
        ("data/source=osi", "data/source=osi: no such choice; did you mean 'osie'"),
        ("data/source=[osie,mit103]", "mit103: no such choice; did you mean 'mit1003'"),
        ("trainer=cpus", "trainer=cpus: no such choice; did you mean 'cpu'"),
        ("experiment=smoke", "To append to your default list use +experiment=smoke"),
        ("+experiment=smok", "experiment=smok: no such choice; did you mean 'smoke'"),
        ("+debug=fats", "debug=fats: no such choice; did you mean 'fast'"),
        ("seed=abc", "seed=abc Value 'abc' of type 'str' could not be converted to Integer"),
        ("nonsense", "Error parsing override 'nonsense' missing EQUAL"),
        ("callbacks=null", "callbacks=null: drop a group by ~callbacks, or choose one"),
        ("logger=null", "logger=null: drop a group by ~logger, or choose one"),
        (
            "callbacks.domain_monitr=null",
            "unknown key 'callbacks.domain_monitr'; did you mean 'domain_monitor'",
        ),
        ("+callbacks.nix=NULL", "unknown key 'callbacks.nix'"),
        ("name=../../x", "name=../../x: needs letters, digits"),
        ("~trainer.max_epoch", "trainer.max_epoch"),
    ],
)
def test_wrong_overrides_are_named_with_the_nearest_right_one(override, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_overrides("train", [override])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_null_leaves_out_a_callback_or_clears_an_argument() -> None:
    check_overrides("train", ["callbacks=images", "callbacks.images=null", "callbacks.ema=NULL"])
    check_overrides("train", ["logger=wandb", "logger.wandb.entity=null"])
    check_overrides("train", ["callbacks.checkpoint.filename=null"])


@pytest.mark.parametrize(
    "overrides",
    [
        ["trainer.max_epochs=3"],
        ["+experiment=smoke"],
        ["-m", "seed=0,1"],
        ["--cfg", "job"],
        ["data/target=none", "~callbacks.ema"],
        ["+trainer.overfit_batches=1"],
        ["hydra.run.dir=/tmp/x"],
        ["data/source=[osie,mit1003]"],
    ],
)
def test_right_ones_pass(overrides: list[str]) -> None:
    check_overrides("train", overrides)


def test_the_command_ends_with_code_2_and_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "spgen_lit.train", "trainer.max_epoch=3"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith("error: unknown key 'trainer.max_epoch'")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("factory", "settings", "section", "message"),
    [
        (ScheduledAdamW, {"lrr": 1}, "optimizer", "key 'optimizer.lrr'; did you mean 'lr'"),
        (L.Trainer, {"max_epoch": 3}, "trainer", "'trainer.max_epoch'; did you mean 'max_epochs'"),
        (Schedule, {"foo": 1}, "adaptation.schedule", "key 'adaptation.schedule.foo'; there are"),
        (
            Schedule,
            {"ceiling": "high"},
            "adaptation.schedule",
            "schedule.ceiling must be float",
        ),
    ],
)
def test_keys_added_with_a_plus_are_checked_too(factory, settings, section, message) -> None:
    with pytest.raises(ConfigError) as error:
        built(factory, settings, section)
    assert message in str(error.value)


def test_nodes_with_a_target_name_the_key_that_does_not_fit() -> None:
    node = OmegaConf.create({"_target_": EMA, "decy": 0.9})
    with pytest.raises(ConfigError, match=r"'callbacks.ema.decy'; did you mean 'decay'"):
        instantiated(node, "callbacks.ema")
    node = OmegaConf.create({"_target_": EMA, "decay": 2.0})
    with pytest.raises(ConfigError, match=r"callbacks.ema.decay must be in \[0, 1\)"):
        instantiated(node, "callbacks.ema")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    GlobalHydra.instance().clear()


def _targets(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield node
        for value in node.values():
            yield from _targets(value)
    elif isinstance(node, list):
        for value in node:
            yield from _targets(value)


def _composed(*overrides: str, resolve: bool = True) -> dict[str, Any]:
    with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
        config = compose("train", overrides=[*overrides, "paths.output_dir=x", "paths.data_dir=d"])
    found = OmegaConf.to_container(config, resolve=resolve)
    assert isinstance(found, dict)
    return found


def _experiments() -> list[str]:
    return sorted(path.stem for path in (ROOT / "experiment").glob("*.yaml"))


@cache
def _network() -> SPGen:
    return spgen()


def _repeats(config: dict[str, Any]) -> list[str]:
    """Arguments that say what their class takes by default."""
    found = []
    for node in _targets(config):
        target = str(node["_target_"])
        # A reader's file shows its user what can be declared.
        if target.startswith("spgen_lit.") and ".readers." not in target:
            defaults = arguments(hydra.utils.get_object(node["_target_"]))
            found += [
                f"{node['_target_']}: {name}"
                for name, value in node.items()
                if name in defaults and name not in KEPT and value == defaults[name].default
            ]
    return found


# Named by other sections, or by what a class takes from its files.
KEPT = {"frame", "size", "families"}


def test_every_argument_is_reached_from_the_command_line() -> None:
    config = _composed()
    sections = ("network", "network.encoder", "data", "data.augment", "data.viewing", "adaptation")
    sections += ("adaptation.schedule", "optimizer", "distillation", "trainer")
    sections += tuple(
        f"{group}.{name}" for group in ("callbacks", "logger") for name in config[group]
    )
    words = []
    for section in sections:
        node: Any = config
        for key in section.split("."):
            node = node[key]
        given = arguments(hydra.utils.get_object(node["_target_"]))
        words += [f"{section}.{name}=1" for name in given if name not in node]
    with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
        found = OmegaConf.to_container(compose("train", overrides=words))
    assert len(words) > 100
    check_names(found)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("train", ("resume: false                  # of a sweep", "optimizer.lr: 0.0015")),
        ("evaluate", ("baseline: null", "data.source.gallery.images: 160")),
        ("predict", ("images: null            # image, folder",)),
        ("export", ("ckpt_path: ???          # checkpoint",)),
    ],
)
def test_help_shows_the_comments_and_every_argument(name: str, lines: tuple[str, ...]) -> None:
    importlib.import_module(f"spgen_lit.{name}")  # where its schema is
    with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
        shown = compose(name, return_hydra_config=True).hydra.help.template
    for line in lines:
        assert line in shown
    assert "${" not in shown.replace("$${", "")


@pytest.mark.parametrize("name", _experiments())
def test_every_experiment_fits_the_code_it_configures(name: str) -> None:
    config = _composed(f"+experiment={name}")
    assert config["name"] == name
    check_names(config)


@pytest.mark.parametrize(
    "group",
    [
        "adaptation",
        "callbacks",
        "data/source",
        "data/target",
        "data/evaluation",
        "data/styles",
        "logger",
        "network",
        "optimizer",
        "trainer",
        "debug",
    ],
)
def test_every_choice_fits_the_code_it_configures(group: str) -> None:
    for path in sorted((ROOT / group).glob("*.yaml")):
        plus = "+" if group == "debug" else ""
        config = _composed(f"{plus}{group}={path.stem}")
        check_names(config)
        # What refers to another key is no repetition, whatever it comes to; and debug files
        # put back what other files have set.
        assert group == "debug" or not _repeats(
            _composed(f"{plus}{group}={path.stem}", resolve=False)
        )


@pytest.mark.parametrize(
    ("choice", "seeds"), [("painted-osie-2", [0, 1]), ("painted-osie-4", [0, 1, 2, 3])]
)
def test_list_of_readers_is_made_one_by_one(choice: str, seeds: list[int]) -> None:
    found = _composed(f"data/styles={choice}")["data"]["styles"]["osie"]
    assert [reader.seed for reader in instantiated(found, "data.styles.osie")] == seeds
    found[1]["wrong"] = 1
    with pytest.raises(ConfigError, match=r"data\.styles\.osie\[1\]\.wrong"):
        instantiated(found, "data.styles.osie")


EVIL = """# @package _global_
trust: [os, subprocess]
hydra: {{callbacks: {{evil: {{_target_: {target}, command: touch owned}}}}}}
"""


def test_a_config_of_somebody_else_instantiates_no_class_of_its_choice(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    foreign = tmp_path / "experiment" / "theirs.yaml"
    words = ["--config-dir", str(tmp_path), "+experiment=theirs"]
    foreign.write_text(EVIL.format(target="os.system"))
    with pytest.raises(ConfigError, match=r"_target_ os\.system is neither of this package"):
        check_overrides("train", words)
    check_overrides("train", [*words, "+trust=[os]"])
    foreign.write_text("# @package _global_\nseed: 3\n")
    check_overrides("train", words)
    # Nor do the sections that this package makes objects of, functions and hubs included.
    for target in ("os.system", "torch.hub.load", "torch.load", "spgen_lit.files.write_text"):
        with pytest.raises(ConfigError, match=r"_target_"):
            instantiated({"_target_": target, "path": "x", "text": "y"}, "callbacks.evil")
    assert not (tmp_path / "owned").exists()


def test_a_renamed_key_is_told_its_new_name() -> None:
    with pytest.raises(ConfigError, match=r"it is called 'callbacks.domain_monitor' now"):
        instantiated({"images": 16}, "callbacks.watch")
    with pytest.raises(ConfigError, match=r"is called spgen_lit.*domain_monitor.DomainMonitor now"):
        instantiated({"_target_": "spgen_lit.learning.watch.Watch"}, "callbacks.watch")


def test_arguments_are_checked_by_their_types() -> None:
    for settings in ({"lr": "high"}, {"lr": True}, {"lr": None}):
        with pytest.raises(ConfigError, match=r"optimizer\.lr must be float, found"):
            built(ScheduledAdamW, settings, "optimizer")
