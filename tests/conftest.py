"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time, and no deadline on a busy machine: a red run means a change.
# SPGEN_EXPLORE=1 looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("explore" if os.environ.get("SPGEN_EXPLORE") else "steady")

REPOSITORY = Path(__file__).resolve().parents[1]


def real_data() -> Path | None:
    """The folder of real gaze data (osie, mit1003, paintings), or None where absent."""
    places = [os.environ.get("SPGEN_DATA"), REPOSITORY.parent / "shared" / "data"]
    for place in places:
        if place and (Path(place) / "osie").is_dir():
            return Path(place)
    return None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real data, or a skip that says what was looked for."""
    found = real_data()
    if found is None:
        pytest.skip("no real data: neither SPGEN_DATA nor ../shared/data holds a folder osie")
    return found
