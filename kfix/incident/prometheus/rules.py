"""An alerting rule as Prometheus tells it, and what it says of one alert. Pure.

https://prometheus.io/docs/prometheus/latest/querying/api/#rules. A rule's name is not unique: rules of one name differ by
labels (a warning and a critical one). Its alerts lack the labels that Prometheus adds on the way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from kfix.incident.prometheus.expressions import bare, compared
from kfix.incident.prometheus.labels import NAMES, group_of, neutral, scraped_in, shared_name
from kfix.incident.prometheus.queries import NAME, matcher
from schemas import errors
from schemas.alerts import Alert
from schemas.context import Monitor

_STATES = {"firing": "Alert", "pending": "Warn", "inactive": "OK"}
_LABELS = {shared: label for label, shared in NAMES.items()}
#: Groups of a rule, and earlier episodes, that are told of.
_GROUPS, _EPISODES = 100, 20
#: Seconds between two points beyond which an episode had ended in between.
_GAP_S = 180.0


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """A rule that an alert is of."""

    said: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As Prometheus has it."""
        return str(self.said.get("name") or "")

    @property
    def query(self) -> str:
        """Its expression, without comments and outer brackets."""
        return bare(str(self.said.get("query") or ""))

    @property
    def measure(self) -> str:
        """What its expression compares with a number; the expression where it does not."""
        found = compared(self.query)
        return found.measure if found else self.query

    @property
    def labels(self) -> dict[str, str]:
        """What it adds to its alerts, without what is filled in for each."""
        return {k: v for k, v in _texts(self.said.get("labels")).items() if "{{" not in v}

    def mine(self, alert: Alert) -> Mapping[str, Any] | None:
        """The active alert that this one is of."""
        return next((one for one in self._active() if _is_of(_labels(one), alert)), None)

    def place(self, alert: Alert) -> dict[str, str]:
        """Labels of the rule's series that tell the alert's from others, by Prometheus' own names; names of objects alone."""
        known = self.mine(alert)
        told = _labels(known) if known else _back(alert.labels)
        set_aside = {*self.labels, *scraped_in(told)}
        return {
            name: value
            for name, value in told.items()
            if shared_name(name) in _LABELS and name not in set_aside and NAME.fullmatch(value)
        }

    def narrowed(self, alert: Alert) -> str:
        """The measure of the alert's group alone."""
        place = self.place(alert)
        measure = f"({self.measure})"
        if not place:
            return measure
        group = "vector(1)"
        for name, value in place.items():
            told = matcher("", value).removeprefix("=")
            group = f'label_replace({group}, "{name}", {told}, "", "")'
        return f"{measure} and on ({', '.join(place)}) {group}"

    def episodes(self, alert: Alert) -> str:
        """A query for the times in which the alert's group fired."""
        place = {k: v for k, v in self.place(alert).items() if v}
        where = [matcher("alertname", self.name), 'alertstate="firing"']
        where += [matcher(name, value) for name, value in place.items()]
        return f"ALERTS{{{', '.join(where)}}}"

    def states(self, alert: Alert, *, fired: bool) -> dict[str, str]:
        """Group to state. The alert's own is ``OK`` where the rule was judged since, does not name it, and ``fired`` here."""
        found = {
            group_of(neutral(_labels(one))): _STATES.get(str(one.get("state")), "")
            for one in self._active()[:_GROUPS]
        }
        known, group = self.mine(alert), alert.rule.group
        if known is not None:
            found[group] = _STATES.get(str(known.get("state")), "")
        elif group not in found and fired and self._judged_after(alert.happened_at):
            found[group] = "OK"
        return {name: state for name, state in found.items() if name and state}

    def overall(self, alert: Alert, *, fired: bool) -> str:
        """The rule's state; ``No Data`` where it cannot be judged. ``OK`` only where the alert's group ``fired`` here and the
        rule was judged since."""
        if self.said.get("health") == "err":
            return "No Data"
        state = _STATES.get(str(self.said.get("state")), "")
        well = fired and self._judged_after(alert.happened_at)
        return state if state != "OK" or well else ""

    def _judged_after(self, at: datetime | None) -> bool:
        when = _time(self.said.get("lastEvaluation"))
        return self.said.get("health") == "ok" and at is not None and when is not None and when > at

    def _active(self) -> list[Mapping[str, Any]]:
        found = self.said.get("alerts")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def rule_of(alert: Alert, rules: Iterable[Mapping[str, Any]]) -> AlertingRule:
    """The alert's rule. Raises errors.NotFound where none has its name, or several have and nothing tells which."""
    named = [AlertingRule(rule) for rule in rules if rule.get("name") == alert.rule.id]
    fitting = [r for r in named if _is_of(r.labels, alert)] or named
    fitting = [r for r in fitting if r.mine(alert) is not None] or fitting
    if not fitting:
        raise errors.NotFound("Prometheus has no alerting rule of that name")
    if len({r.query for r in fitting}) > 1:
        raise errors.NotFound("several alerting rules have that name", reason="ambiguous")
    return fitting[0]


def monitor_of(
    rule: AlertingRule, alert: Alert, episodes: Sequence[Sequence[float]], app_url: str
) -> Monitor:
    """What people and decisions need of a rule. ``episodes``: times (unix seconds) at which the alert's group fired."""
    threshold = compared(rule.query)
    notes = _texts(rule.said.get("annotations"))
    fired = any(episodes)
    page = urlencode({"g0.expr": rule.query, "g0.tab": "0"})
    return Monitor(
        rule_id=alert.rule.id,
        name=rule.name,
        type="alerting rule",
        query=rule.query,
        message=(notes.get("description") or notes.get("summary") or "")[:4000],
        tags=tuple(f"{name}:{value}" for name, value in neutral(rule.labels).items()),
        thresholds={"critical": threshold.limit} if threshold else {},
        overall_state=rule.overall(alert, fired=fired),
        group_states=rule.states(alert, fired=fired),
        history=_history(episodes),
        url=f"{app_url}/graph?{page}" if app_url else "",
    )


def _history(episodes: Sequence[Sequence[float]]) -> tuple[str, ...]:
    """When the alert's group began to fire, newest first."""
    begun: set[float] = set()
    for times in episodes:
        last = float("-inf")
        for at in times:
            if at - last > _GAP_S:
                begun.add(at)
            last = at
    newest = sorted(begun, reverse=True)[:_EPISODES]
    return tuple(f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ} firing" for at in newest)


def _is_of(labels: Mapping[str, str], alert: Alert) -> bool:
    """Does the alert say all of these labels?"""
    return all(alert.labels.get(name) == value for name, value in neutral(labels).items())


def _back(labels: Mapping[str, str]) -> dict[str, str]:
    """The shared names as Prometheus' labels, but for the cluster, which mostly is added on the way out."""
    found = {_LABELS[name]: value for name, value in labels.items() if name in _LABELS}
    found.pop("cluster", None)
    return found


def _labels(said: Mapping[str, Any]) -> dict[str, str]:
    return {k: v for k, v in _texts(said.get("labels")).items() if k != "alertname"}


def _texts(value: object) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {str(name): text for name, text in pairs if isinstance(text, str)}


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
