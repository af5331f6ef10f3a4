"""Fixtures of the door."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.ingest import Open, opened


@pytest.fixture
async def door() -> AsyncIterator[Open]:
    """The door, open on loopback."""
    async with opened() as door:
        yield door
