"""Which of Lightning's messages users see: those that they can act on."""

from __future__ import annotations

import logging
import warnings

# Said by Lightning about its own internals, or about choices that are made on purpose here.
_NEEDLESS = (
    r".*LeafSpec.*is deprecated.*",
    r".*exists and is not empty.*",
    r".*module\(s\) in eval mode at the start of training.*",
    r".*does not have many workers.*",
    r"The number of training batches .* is smaller than the logging interval.*",
)


def quiet() -> None:
    """Leave out start-up notices and advertisements; warnings that matter stay."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in _NEEDLESS:
        warnings.filterwarnings("ignore", message)
