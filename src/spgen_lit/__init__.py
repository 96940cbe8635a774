"""SPGen-Lit: stochastic scanpath generation for photographs and paintings."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spgen_lit.data.catalogue import load_dataset as load_dataset
    from spgen_lit.data.module import DomainMix as DomainMix
    from spgen_lit.evaluation.score import score as evaluate
    from spgen_lit.learning.module import ScanpathModule as ScanpathModule
    from spgen_lit.network.spgen import SPGen as SPGen
    from spgen_lit.predictor import Predictor as Predictor
    from spgen_lit.scanpath import Scanpath as Scanpath

try:
    __version__ = version("spgen-lit")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"

_HOMES = {
    "DomainMix": "data.module",
    "Predictor": "predictor",
    "SPGen": "network.spgen",
    "Scanpath": "scanpath",
    "ScanpathModule": "learning.module",
    "evaluate": "evaluation.score",
    "load_dataset": "data.catalogue",
}
__all__ = ["DomainMix", "Predictor", "SPGen", "Scanpath", "ScanpathModule", "evaluate"]
__all__ += ["__version__", "load_dataset"]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used: importing torch takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'spgen_lit' has no attribute {name!r}")
    home = import_module(f"spgen_lit.{_HOMES[name]}")
    return getattr(home, "score" if name == "evaluate" else name)


def __dir__() -> list[str]:
    return __all__
