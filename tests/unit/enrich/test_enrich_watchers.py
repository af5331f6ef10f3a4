"""Several systems watch: an alert's own one answers for it, and somebody else's alert is looked at by the first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from enrich.adapters.unconfigured import NoObservability
from enrich.adapters.watchers import Watchers
from enrich.ports import Observability
from schemas.alerts import Alert

AT = datetime(2026, 11, 24, tzinfo=UTC)


class Named(NoObservability):
    def __init__(self, name: str, *sources: str) -> None:
        self.name = name
        self.sources = sources
        self.since: datetime | None = None

    def sent(self, alert: Alert) -> bool:
        return alert.source in self.sources

    def about(self, alert: Alert, at: datetime) -> Observability:
        self.since = at
        return self


@pytest.mark.parametrize(
    ("source", "name"),
    [("one", "first"), ("", "first"), ("two", "second"), ("three", "second"), ("four", "first")],
)
def test_the_alerts_own_one_answers(source: str, name: str) -> None:
    known = [Named("first", "one", ""), Named("second", "two", "three")]
    chosen = Watchers(known).about(Alert(source=source), AT)
    assert chosen.name == name
    assert [one.since for one in known if one.name == name] == [AT]


def test_one_alone_answers_for_everybody() -> None:
    assert Watchers([Named("only", "one")]).about(Alert(source="two"), AT).name == "only"
