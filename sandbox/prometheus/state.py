"""What a small Prometheus holds: its series, its alerting rules and where each alert stands.

https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules: an alert is pending while its rule's expression gives its
labels, and fires once that has lasted as long as ``for`` says.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from sandbox.prometheus.promql import Labels, Sampled, Samples, Vector, compile_query

#: Seconds between two evaluations that a trouble from before the start is followed back by, and how far.
_BACK_STEP_S, _BACK_S = 30.0, 1_800.0
_RULES = Path(__file__).parents[1] / "company" / "prometheus-rules.yaml"


@dataclass(frozen=True, slots=True)
class Rule:
    """An alerting rule."""

    group: str
    name: str
    expr: str
    for_s: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ActiveAlert:
    """One alert's episode. Unix seconds; ``ended_at`` ``None``: it goes on."""

    rule: Rule
    labels: dict[str, str]
    active_at: float
    value: float
    ended_at: float | None = None

    @property
    def starts_at(self) -> float:
        """When it began to fire."""
        return self.active_at + self.rule.for_s

    def state(self, at: float) -> Literal["pending", "firing", ""]:
        """Where it stands at a time; empty before and after its episode."""
        if at < self.active_at or (self.ended_at is not None and at >= self.ended_at):
            return ""
        return "firing" if at >= self.starts_at else "pending"


def company_rules() -> tuple[Rule, ...]:
    """The company's rules, from a file as Prometheus loads it."""
    loaded = yaml.safe_load(_RULES.read_text(encoding="utf-8"))
    return tuple(
        Rule(
            group["name"],
            rule["alert"],
            rule["expr"],
            _seconds(rule.get("for", "0s")),
            rule.get("labels", {}),
            rule.get("annotations", {}),
        )
        for group in loaded["groups"]
        for rule in group["rules"]
    )


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)([smh])", text)
    assert match is not None, text
    return int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


class Prometheus:
    """One server. ``clock`` gives unix seconds; ``external_labels`` go with what it sends to Alertmanager."""

    def __init__(
        self,
        series: Samples,
        rules: tuple[Rule, ...],
        *,
        external_labels: Mapping[str, str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token = "sandbox-prometheus-token"
        self.url = "http://127.0.0.1"
        self.rules = rules
        self.external_labels = dict(external_labels)
        self.clock = clock
        self.evaluated_at = 0.0
        #: Every episode, the oldest first.
        self.alerts: list[ActiveAlert] = []
        self._series = series

    def named(self, metric: str) -> Iterable[Sampled]:
        """``promql.Samples``: what was scraped, and ``ALERTS``."""
        return self._alerts() if metric == "ALERTS" else self._series.named(metric)

    def _alerts(self) -> Iterable[Sampled]:
        for alert in self.alerts:
            for state in ("pending", "firing"):
                labels = {"alertname": alert.rule.name, "alertstate": state, **alert.labels}
                yield Sampled(labels, _while(alert, state))

    def fresh(self) -> None:
        """Judges the rules where that was a second ago and more: whoever asks finds them as they are."""
        if self.clock() - self.evaluated_at >= 1.0:
            self.evaluate()

    def active(self, rule: Rule) -> list[ActiveAlert]:
        """The rule's alerts that go on."""
        return [a for a in self.alerts if a.rule is rule and a.ended_at is None]

    def evaluate(self) -> None:
        """Judges every rule now: alerts begin, go on or end."""
        now = self.clock()
        self.evaluated_at = now
        for rule in self.rules:
            query = compile_query(rule.expr, self)
            found = {_of(labels, rule): value for labels, value in query(now)}
            for alert in self.active(rule):
                key = tuple(sorted(alert.labels.items()))
                if key in found:
                    alert.value = found.pop(key)
                else:
                    alert.ended_at = now
            for key, value in found.items():
                begun = _began(query, rule, key, now)
                self.alerts.append(ActiveAlert(rule, dict(key), begun, value))


def _while(alert: ActiveAlert, state: str) -> Callable[[float], float | None]:
    return lambda at: 1.0 if alert.state(at) == state else None


def _of(labels: Labels, rule: Rule) -> Labels:
    """An alert's labels: those of its series without the name, and the rule's."""
    found = {name: value for name, value in labels if name != "__name__"}
    return tuple(sorted({**found, **rule.labels}.items()))


def _began(query: Callable[[float], Vector], rule: Rule, key: Labels, now: float) -> float:
    """Since when the expression gives these labels without a break, as far as it is looked back."""
    at = now
    while now - at < _BACK_S:
        earlier = at - _BACK_STEP_S
        if key not in {_of(labels, rule) for labels, _ in query(earlier)}:
            break
        at = earlier
    return at
