"""Every shipped data config builds its reader."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

CONF = Path(__file__).resolve().parents[2] / "conf"
GROUPS = [
    (domain, path.stem)
    for domain in ("source", "target")
    for path in sorted((CONF / "data" / domain).glob("*.yaml"))
]


def composed(tmp_path, *choices):
    """Hydra's own composition of these choices, below the paths that they refer to."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose(overrides=[f"+data/{choice}" for choice in choices])
    paths = {"paths": {"data_dir": str(tmp_path), "cache_dir": str(tmp_path)}}
    return OmegaConf.merge(paths, config)


@pytest.mark.parametrize(("domain", "name"), GROUPS)
def test_config_builds_its_reader(tmp_path, domain, name):
    config = composed(tmp_path, f"{domain}={name}").data[domain]
    for node in config.values():
        if OmegaConf.is_missing(node, "root"):
            node.root = str(tmp_path)
        reader = instantiate(node)
        assert hasattr(reader, "read")
        assert str(reader.root).startswith(str(tmp_path))


def test_several_sources_are_one_override(tmp_path):
    config = composed(tmp_path, "source=[osie,mit1003]", "target=[paintings,cat2000_art]")
    assert list(config.data.source) == ["osie", "mit1003"]
    assert list(config.data.target) == ["paintings", "cat2000_art"]
