"""Who measured before the merge measures after it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from learn.adapters.signals import SignalsOfSource
from schemas.context import SourceStatus
from schemas.merge_requests import Proposal
from tests.support.learn import PROPOSAL

AT = datetime(2026, 11, 24, tzinfo=UTC)


class Measuring:
    def __init__(self, name: str, value: float) -> None:
        self.name = name
        self.value = value

    async def measure(self, made: Proposal, since: datetime, until: datetime) -> dict[str, float]:
        return {"restarts": self.value}


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        (("one.logs", "one.metrics"), 1.0),
        (("two.monitor", "two.metrics"), 2.0),
        (("kubernetes.objects",), 1.0),
        ((), 1.0),
    ],
)
async def test_the_incidents_own_system_measures(asked: tuple[str, ...], value: float) -> None:
    made = PROPOSAL
    sources = tuple(SourceStatus(name=name, state="ok") for name in asked)
    context = made.context.model_copy(update={"sources": sources})
    told = SignalsOfSource([Measuring("one", 1.0), Measuring("two", 2.0)])
    found = await told.measure(made.model_copy(update={"context": context}), AT, AT)
    assert found == {"restarts": value}
