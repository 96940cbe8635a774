"""Fixtures of the evaluation tests."""

from __future__ import annotations

import pytest
from simulated_people import People, make_people


@pytest.fixture
def people() -> People:
    """Six images seen by five observers."""
    return make_people()
