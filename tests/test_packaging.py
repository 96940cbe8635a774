"""What a user installs: the wheel, alone in a new environment, run from an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

REPOSITORY = Path(__file__).resolve().parents[1]


def _run(*command: str | Path, cwd: Path, **environment: str) -> str:
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=inherited | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that no leftover of an earlier build gets in."""
    pytest.importorskip("setuptools", minversion="77", reason="building needs setuptools>=77")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    for name in ("src", "conf"):
        skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(REPOSITORY / name, source / name, ignore=skip)
    _run(
        *(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"),
        *("-w", out, source),
        cwd=source,
    )
    (built,) = out.glob("spgen_lit-*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a new environment that holds the wheel, and sees this one's dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(_run(python, "-c", asked, cwd=folder).strip())
    _run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel),
        cwd=folder,
    )
    # A .pth line adds the folder alone: the editable checkout in it stays out of sight.
    folders = [place for place in sys.path if Path(place).name == "site-packages"]
    (site / "dependencies.pth").write_text("\n".join(folders) + "\n")
    return python


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return tmp_path


def test_wheel_holds_every_module_and_every_config(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    package = REPOSITORY / "src" / "spgen_lit"
    wanted = {
        f"spgen_lit/{path.relative_to(package).as_posix()}"
        for pattern in ("*.py", "*.typed", "*.html", "*.css", "*.js")
        for path in package.rglob(pattern)
    }
    conf = REPOSITORY / "conf"
    wanted |= {f"spgen_lit/conf/{p.relative_to(conf).as_posix()}" for p in conf.rglob("*.yaml")}
    assert wanted - held == set()
    foreign = {name.split("/")[0] for name in held if not name.startswith("spgen_lit")}
    assert foreign == set()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in held)


def test_wheel_is_what_runs_and_its_network_samples(elsewhere: Path, empty: Path) -> None:
    code = (
        "import torch, spgen_lit; from spgen_lit.network.published import PublishedSPGen; "
        "from spgen_lit.network.encoders.mobilenet import MobileNetV2; "
        "network = PublishedSPGen(MobileNetV2('none'), (64, 64), max_fixations=5); "
        "paths = network.sample(network.encode(torch.zeros(1, 3, 64, 64)), [[1]]); "
        "print(spgen_lit.__file__); print(tuple(paths.xy.shape))"
    )
    place, shape = _run(elsewhere, "-c", code, cwd=empty).splitlines()
    assert Path(place).is_relative_to(elsewhere.parents[1])
    assert shape == "(1, 1, 5, 2)"


def test_command_line_composes_its_configuration_from_the_wheel(
    elsewhere: Path, empty: Path
) -> None:
    train = (elsewhere, "-m", "spgen_lit.train")
    shown = _run(*train, "+experiment=demo", "--cfg", "job", cwd=empty)
    assert {"network:", "data:", "trainer:"} <= set(shown.splitlines())
    assert list(empty.iterdir()) == []
    commands = _run(elsewhere.parent / "spgen", "--help", cwd=empty)
    assert all(name in commands for name in ("train", "evaluate", "predict", "report"))


@pytest.mark.slow
def test_training_runs_from_the_wheel_in_an_empty_folder(elsewhere: Path, empty: Path) -> None:
    train = (elsewhere, "-m", "spgen_lit.train")
    _run(*train, "+experiment=smoke", "hydra.run.dir=run", cwd=empty)
    assert (empty / "run" / "summary.json").stat().st_size > 0


def _pins() -> dict[str, str]:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


def test_constraints_are_exact_installable_anywhere_and_within_the_bounds() -> None:
    pins = _pins()
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = chain.from_iterable(project["optional-dependencies"].values())
    bounds = chain(project["dependencies"], extras)
    for requirement in map(Requirement, bounds):
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in (project["name"], "timm"):  # timm has an environment of its own
            continue
        assert name in pins, f"{name} is not pinned in constraints.txt"
        assert requirement.specifier.contains(pins[name], prereleases=True), requirement
    # A local suffix such as +cpu exists on no package index.
    assert [n for n, version in pins.items() if Version(version).local] == []
    assert pins["torch"] == "2.13.0"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_help_names_every_target() -> None:
    shown = _run("make", "-s", cwd=REPOSITORY)
    phony = re.search(r"^\.PHONY: (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert [t for t in phony[1].split() if not re.search(rf"^  {t} ", shown, re.MULTILINE)] == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_install_without_a_usable_python_says_what_was_looked_for(empty: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, empty)
    done = subprocess.run(
        ["make", "install", "PYTHONS=python-of-nowhere"], cwd=empty, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "No Python 3.11 or newer: looked for python-of-nowhere on PATH" in done.stderr
    assert not (empty / ".venv").exists()


def test_every_package_of_the_source_is_in_the_wheel() -> None:
    listed = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"][
        "packages"
    ]
    found = {
        ".".join(file.parent.relative_to(REPOSITORY / "src").parts)
        for file in (REPOSITORY / "src").rglob("__init__.py")
    }
    assert found | {"spgen_lit.conf"} == set(listed)
