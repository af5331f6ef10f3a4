"""Which alert repeats another one whose evidence was just gathered. Pure.

A repetition adds nothing to an incident that is open; a rise, a fall, a new episode and an alert after a while do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kfix.incident.cluster_names import Fleet
from schemas.alerts import Alert, RawAlert
from schemas.identity import cycle_of, stable_id, trouble_of


@dataclass(frozen=True, slots=True)
class Arrived:
    """What tells a delivery from its repetitions."""

    #: The alert's episode, as far as the payload tells; nothing is asked for it.
    cycle: str
    delivery_id: str
    severity: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RepeatedDelivery:
    """The delivery that stands for an episode and a severity, and when the episode last recovered."""

    delivery_id: str
    at: datetime
    recovered_at: datetime | None = None
    #: Of the newest repetition, when there was one.
    newest_at: datetime | None = None


def arrived(raw: RawAlert, fleet: Fleet) -> Arrived:
    """A delivery's place among the others."""
    alert = raw.alert
    cycle = episode_of(alert, raw.event_id, fleet)
    return Arrived(cycle, raw.event_id, severity_of(alert), alert.happened_at or raw.occurred_at)


def trouble_of_alert(alert: Alert, *, exact: bool = False) -> str:
    """``schemas.identity.trouble_of`` an alert; a notification that is tried is no trouble of its rule's."""
    if alert.is_test:
        return stable_id("tr", "test", alert.notification_id or alert.title)
    return trouble_of(
        rule_id=alert.rule.id,
        account=alert.account,
        group=alert.rule.group,
        labels={**alert.labels, "host": alert.host} if alert.host else alert.labels,
        title=alert.title,
        group_key=alert.group_key,
        notification_id=alert.notification_id,
        exact=exact,
    )


def episode_of(alert: Alert, delivery_id: str, fleet: Fleet) -> str:
    """``schemas.identity.cycle_of`` an alert: pods of one workload have episodes of their own, and so have clusters."""
    if alert.is_test:
        return stable_id("cy", "test", delivery_id)
    return cycle_of(
        rule_id=alert.rule.id,
        group=alert.rule.group,
        fingerprint=alert.fingerprint,
        delivery_id=delivery_id,
        account=alert.account,
        trouble=trouble_of_alert(alert, exact=True),
        cluster=fleet.told_apart(alert.labels, alert.rule.group),
    )


def severity_of(alert: Alert) -> str:
    """How bad the alert calls it; a renotification calls it what the trigger did."""
    state = "firing" if alert.state == "renotified" else alert.state
    return f"{state}/{alert.priority}/{alert.severity}"[:64].lower()


def repeats(alert: Arrived, known: RepeatedDelivery | None, within: timedelta) -> bool:
    """Whether ``known`` answers for the alert. A delivery that comes again itself is none: its first try may have died.

    One whose sender's clock is far ahead answers for nobody.
    """
    if known is None or known.delivery_id == alert.delivery_id:
        return False
    if abs(alert.at - known.at) >= within:
        return False
    over = known.recovered_at
    return not (over is not None and known.at <= over < alert.at)
