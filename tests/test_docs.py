"""The documentation: the site builds strictly, code blocks run, notebooks run."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.networks import tree

from spgen_lit.instantiation import build_network
from spgen_lit.network.released import ReleasedSPGen
from spgen_lit.scanpath import Scanpath

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(<!-- not run:[^>]*-->\n+)?^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _given(folder: Path) -> dict[str, object]:
    """What the pages take for granted: a checkpoint, a picture, and observers' paths."""
    torch.manual_seed(0)
    spec = tree(frame=[128, 96], channels=16, max_fixations=6)
    state = {f"network.{k}": v for k, v in build_network(spec).state_dict().items()}
    card = {"network": spec, "frame": {"size": [128, 96], "mode": "stretch"}, "gaze": "simulated"}
    torch.save({"spgen_lit": card, "state_dict": state}, folder / "best.ckpt")
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    Image.fromarray(photo).save(folder / "painting.jpg")

    def paths(count: int) -> list[Scanpath]:
        return [
            Scanpath("a.jpg", (128, 96), rng.random((6, 2)), rng.uniform(0.1, 0.4, 6), str(i))
            for i in range(count)
        ]

    images = ("a.jpg", "b.jpg", "c.jpg")
    observers = {name: [replace(path, image=name) for path in paths(5)] for name in images}
    samples = {name: [replace(path, image=name) for path in paths(3)] for name in images}
    return {
        "__name__": "page",
        "photo": photo,
        "real_painting": photo[::-1].copy(),
        "people": observers,
        "observers": observers,
        "samples": samples,
    }


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_python_blocks_run_or_say_why_not(page: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    scope = _given(tmp_path)
    if "released.pth" in page.read_text(encoding="utf-8"):
        torch.save(ReleasedSPGen().state_dict(), tmp_path / "released.pth")
    for marker, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        if not marker:
            exec(compile(code, _name(page), "exec", dont_inherit=True), scope)


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.relative_to(ROOT / "docs").as_posix() in text, page


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "concepts" / "index.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=_name)
def test_notebooks_run(path: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("nbclient") is None:
        pytest.skip("needs pip install 'spgen-lit[docs]'")
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "clear its outputs first"
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
