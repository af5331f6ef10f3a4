"""Where an alert stands, by who is asked and by what was heard; and which alerts count against a fix."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learn.adapters.alerts import AlertsOfSource
from learn.adapters.datadog import DatadogAlerts
from learn.core.alerts import HeardAlert, came_back, rule_key, standing
from learn.core.judgement import AlertReading, changed, judge, lower_of
from schemas import errors
from schemas.context import Series
from schemas.merge_requests import Proposal
from schemas.plans import WatchedAlert
from tests.support.learn import HEALTHY, PROPOSAL, after, outcome

QUERY = "avg:kubernetes.cpu.usage.total{env:prod} by {kube_deployment,kube_namespace}"
WATCHED = WatchedAlert(
    source="datadog",
    rule_id="4101",
    group="kube_deployment:cart,kube_namespace:shop",
    query=f"avg(last_10m):{QUERY} > 5",
    measure=QUERY,
    side=">",
    threshold=5.0,
)


def proposal(**more: Any) -> Proposal:
    watched = WATCHED.model_copy(update=more)
    context = PROPOSAL.context.model_copy(update={"watched": watched})
    return PROPOSAL.model_copy(update={"context": context})


class FakeDatadog:
    """One monitor; two series a query, of the group and of another."""

    def __init__(self, groups: dict[str, dict[str, Any]], overall: str = "Alert") -> None:
        self.found = {"id": 4101, "overall_state": overall, "state": {"groups": groups}}
        self.asked: list[tuple[list[str], datetime, datetime]] = []
        self.failure: Exception | None = None

    async def monitor(self, monitor_id: int) -> Any:
        if self.failure is not None:
            raise self.failure
        assert monitor_id == 4101
        return self.found

    async def metrics(self, queries: list[str], since: datetime, until: datetime) -> list[Series]:
        self.asked.append((queries, since, until))
        times = (since.timestamp(), until.timestamp())
        mine = {"kube_deployment": "cart", "kube_namespace": "shop"}
        return [
            Series(metric="m", tags=mine, timestamps=times, values=(2.0, 4.0)),
            Series(
                metric="m",
                tags={**mine, "kube_deployment": "x"},
                timestamps=times,
                values=(9.0, 9.0),
            ),
        ]


DAY = timedelta(days=1)
GROUP = "kube_namespace:shop,kube_deployment:cart"
RESOLVED = int(after(3).timestamp())


@pytest.mark.parametrize(
    ("groups", "overall", "group", "state", "since"),
    [
        ({GROUP: {"status": "OK", "last_resolved_ts": RESOLVED}}, "Alert", None, "ok", after(3)),
        (
            {GROUP: {"status": "Alert", "last_triggered_ts": RESOLVED}},
            "Alert",
            None,
            "alerting",
            after(3),
        ),
        ({GROUP: {"status": "Warn"}}, "Alert", None, "warning", None),
        ({GROUP: {"status": "No Data"}}, "No Data", None, "silent", None),
        ({"kube_deployment:other": {"status": "Alert"}}, "Alert", None, "silent", None),
        ({}, "OK", None, "ok", None),
        ({"*": {"status": "OK", "last_resolved_ts": RESOLVED}}, "OK", "*", "ok", after(3)),
        ({"a:b": {"status": "Alert"}}, "Alert", "", "alerting", None),
    ],
)
async def test_datadog_tells_the_state_of_the_alert_s_group(
    groups: dict[str, dict[str, Any]],
    overall: str,
    group: str | None,
    state: str,
    since: datetime | None,
) -> None:
    asked = DatadogAlerts(FakeDatadog(groups, overall))  # type: ignore[arg-type]
    more = {} if group is None else {"group": group}
    found = await asked.reading(proposal(**more), after(0), after(5))
    assert (found.state, found.since) == (state, since)


async def test_the_measure_is_the_group_s_own_over_the_monitor_s_window() -> None:
    client = FakeDatadog({GROUP: {"status": "OK"}})
    found = await DatadogAlerts(client).reading(proposal(), after(0), after(30))  # type: ignore[arg-type]
    assert (found.now, found.beyond, found.from_below) == (3.0, False, False)
    assert client.asked == [([QUERY], after(20), after(30))]
    below = proposal(side="<", query=f"avg(last_10m):{QUERY} < 5")
    found = await DatadogAlerts(client).reading(below, after(25), after(30))  # type: ignore[arg-type]
    assert (found.beyond, found.from_below) == (True, True)
    assert client.asked[-1][1] == after(25), "none from before the change"


async def test_a_sum_over_less_than_the_window_counts_as_if_it_had_gone_on() -> None:
    client = FakeDatadog({})
    asked = proposal(query=f"sum(last_10m):{QUERY} > 5")
    found = await DatadogAlerts(client).measure(asked, after(25), after(30))  # type: ignore[arg-type]
    assert found == (2.0 + 4.0) * 2


async def test_who_cannot_be_asked_is_unheard_and_who_does_not_answer_raises() -> None:
    client = FakeDatadog({})
    asked = AlertsOfSource([DatadogAlerts(client)])  # type: ignore[list-item, arg-type]
    other = proposal(source="alertmanager")
    assert await asked.reading(other, after(0), after(5)) == AlertReading()
    assert await asked.measure(other, after(0), after(5)) is None
    words = proposal(rule_id="", query="")
    assert (await asked.reading(words, after(0), after(5))).state == "unheard"
    client.failure = errors.NotFound("deleted")
    assert (await asked.reading(proposal(), after(0), after(5))).state == "unheard"
    client.failure = errors.Unavailable("away")
    with pytest.raises(errors.Unavailable):
        await asked.reading(proposal(), after(0), after(5))


def word(kind: str, minutes: float) -> HeardAlert:
    return HeardAlert(f"e{minutes}", "inc-1", "fp", "rk", kind, after(minutes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "heard", "state", "since"),
    [
        ("ok", [word("firing", 9)], "ok", None),
        ("ok", [word("firing", 1), word("recovered", 9)], "ok", 9),
        ("alerting", [word("recovered", 9)], "alerting", None),
        ("silent", [], "silent", None),
        ("silent", [word("firing", 1)], "silent", None),
        ("silent", [word("firing", 6)], "alerting", 6),
        ("unheard", [word("recovered", 9), word("firing", 6)], "ok", 9),
        ("unheard", [word("firing", 9), word("recovered", 6)], "alerting", 9),
    ],
)
def test_the_source_counts_and_without_it_the_last_word_that_was_heard(
    asked: str, heard: list[HeardAlert], state: str, since: float | None
) -> None:
    found = standing(AlertReading(asked), heard, after(5))  # type: ignore[arg-type]
    assert (found.state, found.since) == (state, None if since is None else after(since))


def test_a_rule_is_the_same_whatever_the_order_of_its_group() -> None:
    def key(**more: Any) -> str:
        return rule_key(proposal(**more).context)

    assert key() == key(group="kube_namespace:Shop, kube_deployment:cart")
    assert len({key(), key(group="kube_deployment:web"), key(rule_id="9"), key(account="org")}) == 4
    assert rule_key(PROPOSAL.context) == ""


@given(st.lists(st.integers(0, 3_000), max_size=6), st.permutations(range(6)))
def test_the_first_alert_within_a_day_counts_in_every_order(
    minutes: list[int], order: list[int]
) -> None:
    alerts = [word("firing", minute) for minute in minutes]
    found = came_back(outcome(), alerts, DAY)
    shuffled = [alerts[at] for at in order if at < len(alerts)]
    assert came_back(outcome(), shuffled, DAY) == found
    counted = [m for m in minutes if 15 < m <= 15 + 24 * 60]
    assert found == (after(min(counted)) if counted else None)
    for other in ({"result": "partial"}, {"checked_at": None}, {"came_back_at": after(20)}):
        assert came_back(outcome(**other), alerts, DAY) is None


@pytest.mark.parametrize(
    ("before", "after_", "usual", "change"),
    [
        (100.0, 200.0, None, "worse"),
        (100.0, 200.0, 190.0, "same"),
        (100.0, 200.0, 100.0, "worse"),
        (120.0, 105.0, 100.0, "better"),
        (120.0, 105.0, None, "same"),
        (100.0, 105.0, 100.0, "same"),
        (400.0, 200.0, 100.0, "better"),
        (None, 100.0, 100.0, "unknown"),
    ],
)
def test_calm_times_count_beside_the_trouble(
    before: float | None, after_: float, usual: float | None, change: str
) -> None:
    assert changed("latency_ms", before, after_, usual) == change


def test_the_usual_is_the_lower_level_and_restarts_have_none() -> None:
    usual = lower_of(
        {"latency_ms": 90.0, "error_rate": 0.2}, {"latency_ms": 100.0, "restarts": 0.0}
    )
    assert usual == {"latency_ms": 90.0, "error_rate": 0.2, "restarts": 0.0}
    found = judge(
        "latency_regression",
        HEALTHY,
        {"latency_ms": 100.0, "restarts": 0.0},
        {"latency_ms": 98.0, "restarts": 0.0},
        usual=usual,
    )
    assert found.result == "success", "as usual is well, better or not"
    assert {m.name: m.usual for m in found.measurements} == {"latency_ms": 90.0, "restarts": None}


@pytest.mark.parametrize(
    ("reading", "verdict"),
    [
        (AlertReading(before=9.0, now=2.0, beyond=False), "better"),
        (AlertReading(before=9.0, now=12.0, beyond=True), "worse"),
        (AlertReading(before=1.0, now=2.0, beyond=False), "same"),
        (AlertReading(before=1.0, now=2.0, beyond=False, from_below=True), "better"),
        (AlertReading(before=9.0), "unknown"),
    ],
)
def test_the_alert_s_measure_is_told_in_its_own_direction(
    reading: AlertReading, verdict: str
) -> None:
    found = judge("image_not_found", HEALTHY, {}, {}, alert=reading)
    (told,) = [m for m in found.measurements if m.name == "alert_measure"]
    assert told.verdict == verdict


def test_a_time_is_told_in_utc() -> None:
    reading = AlertReading("ok", after(3).astimezone(UTC) + timedelta(0))
    assert "alert OK since 12:03 UTC" in judge("x", HEALTHY, {}, {}, alert=reading).explanation
