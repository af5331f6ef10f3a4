"""Tried notifications and silenced alerts are not acted on; what is beside a silence is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from enrich.core.repeats import episode_of, trouble_of_alert
from enrich.core.withheld import withheld
from kfix.incident.cluster_names import Fleet
from schemas.alerts import Alert, FiredRule
from schemas.context import Monitor, Silence

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
