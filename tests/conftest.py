"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
