"""SPGen-Lit: stochastic scanpath generation for photographs and paintings."""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spgen_lit.predictor import Predictor as Predictor
    from spgen_lit.scanpath import Scanpath as Scanpath

try:
    __version__ = version("spgen-lit")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"

__all__ = ["Predictor", "Scanpath", "__version__"]


def __getattr__(name: str) -> Any:
    """Load the public classes when first asked for: importing torch takes seconds."""
    if name == "Predictor":
        from spgen_lit.predictor import Predictor

        return Predictor
    if name == "Scanpath":
        from spgen_lit.scanpath import Scanpath

        return Scanpath
    raise AttributeError(f"module 'spgen_lit' has no attribute {name!r}")
