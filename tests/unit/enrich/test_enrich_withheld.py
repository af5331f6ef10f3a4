"""Tried notifications and silenced alerts are not acted on; what is beside a silence is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from enrich.adapters.unconfigured import NoClusterReader, NoObservability, NoRepository
from enrich.agent import enrich
from enrich.core.bundle import Rules
from enrich.core.repeats import Arrived, episode_of, trouble_of_alert
from enrich.core.withheld import withheld
from enrich.ports import ClusterSources, EnrichPorts, NoAlertBook, Sources
from kfix.incident.cluster_names import Fleet, Own
from schemas.alerts import Alert, FiredRule, RawAlert
from schemas.context import Monitor, Silence
from tests.support.enrich import NoMemory

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
NOW = AT.timestamp()
TAGS = {"service": "cart", "env": "prod", "host": "web-1"}


@pytest.mark.parametrize(
    ("silence", "muted"),
    [
        (Silence(scope="*"), True),
        (Silence(scope="*", until=NOW + 60), True),
        (Silence(scope="*", until=NOW - 60), False),
        (Silence(scope="*", since=NOW + 60), False),
        (Silence(scope="service:cart"), True),
        (Silence(scope="service:cart,env:prod"), True),
        (Silence(scope="service:cart AND env:prod"), True),
        (Silence(scope="service:cart,env:staging"), False),
        (Silence(scope="host:web-*"), True),
        (Silence(scope="host:db-*"), False),
        (Silence(scope="service:catalog"), False),
        (Silence(scope="team:shop"), False),
        (Silence(scope="service:cart OR service:x"), False),
        (Silence(scope="NOT service:cart"), False),
        (Silence(scope="service"), False),
    ],
)
def test_a_silence_covers_its_scope_while_it_lasts(silence: Silence, muted: bool) -> None:
    found = withheld(Alert(), Monitor(silences=(silence,)), TAGS, AT)
    assert found.kind == ("muted" if muted else "")
    assert bool(found.reason) is muted


def test_a_test_is_nobodys_episode_and_no_trouble_of_its_rule() -> None:
    tried = Alert(is_test=True, title="[TEST] CPU", rule=FiredRule(id="7"), fingerprint="c")
    real = tried.model_copy(update={"is_test": False})
    assert withheld(tried, None, TAGS, AT).kind == "test"
    assert withheld(real, None, TAGS, AT).kind == ""
    fleet = Fleet.of()
    assert episode_of(tried, "d1", fleet) != episode_of(real, "d1", fleet)
    assert episode_of(tried, "d1", fleet) != episode_of(tried, "d2", fleet)
    assert trouble_of_alert(tried) != trouble_of_alert(real)


class Watching(NoObservability):
    """A system whose monitor is muted."""

    async def monitor(self, rule_id: str) -> Monitor:
        return Monitor(rule_id=rule_id, silences=(Silence(scope="*"),))


class Book(NoAlertBook):
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def repeats(self, alert: Arrived) -> bool:
        self.asked.append("repeats")
        return False

    async def recovered(self, alert: Arrived) -> bool:
        self.asked.append("recovered")
        return True


def ports(book: Book) -> EnrichPorts:
    clusters = {"eu-1": ClusterSources(NoClusterReader(), NoRepository())}
    sources = Sources(Watching(), clusters, NoMemory())
    return EnrichPorts(sources, Rules(fleet=Fleet.of(Own("eu-1"))), 5.0, alerts=book)


def raw(**said: Any) -> RawAlert:
    alert = Alert(title="t", rule=FiredRule(id="7"), labels=TAGS, **said)
    return RawAlert(event_id="dd-1", occurred_at=AT, body_sha256="0" * 64, body=b"", alert=alert)


@pytest.mark.parametrize("state", ["firing", "resolved"])
async def test_a_tried_notification_asks_nobody_and_is_nothing_that_others_repeat(
    state: str,
) -> None:
    book = Book()
    bundle = await enrich(raw(is_test=True, state=state), ports(book))
    assert bundle is not None
    assert (bundle.withheld.kind, bundle.sources, book.asked) == ("test", (), [])


async def test_what_comes_after_a_silence_repeats_nothing_that_was_silenced() -> None:
    book = Book()
    bundle = await enrich(raw(state="firing"), ports(book))
    assert bundle is not None
    assert bundle.withheld.kind == "muted"
    assert not [s for s in bundle.sources if s.name.startswith("kubernetes")]
    assert book.asked == ["repeats", "recovered"]
