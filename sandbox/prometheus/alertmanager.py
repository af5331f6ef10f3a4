"""Alertmanager's sending side: groups of alerts go to a webhook when they change, as version 4 of its payload.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from sandbox.prometheus.api import instant
from sandbox.prometheus.state import ActiveAlert, Prometheus
from schemas.base import Json

_GROUP_BY = ("alertname", "namespace")
_NEVER = "0001-01-01T00:00:00Z"
_ATTEMPTS = 6
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class GroupDelivery:
    """One notification's end. ``status`` 0: no answer at all."""

    status: int
    attempts: int
    alerts: int


@dataclass(slots=True)
class Alertmanager:
    """One Alertmanager behind one Prometheus, with one receiver. An empty ``webhook_url``: nobody is told."""

    prometheus: Prometheus
    webhook_url: str = ""
    token: str = ""
    url: str = "http://127.0.0.1"
    #: Containers and Deployments whose alerts the route takes.
    routed: set[str] = field(default_factory=set)
    deliveries: list[GroupDelivery] = field(default_factory=list)
    #: By episode: the state that was told last.
    _told: dict[int, str] = field(default_factory=dict)

    async def notify(self, *, backoff_s: float = 1.0) -> None:
        """Sends every group in which something changed; never raises for what a receiver does."""
        now = self.prometheus.clock()
        groups: dict[tuple[str, ...], list[ActiveAlert]] = {}
        for alert in self.prometheus.alerts:
            labels = self._labels(alert)
            if self._state(alert, now) and self._is_routed(labels):
                groups.setdefault(tuple(labels.get(n, "") for n in _GROUP_BY), []).append(alert)
        for group in groups.values():
            changed = [a for a in group if self._told.get(id(a)) != self._state(a, now)]
            if changed and self.webhook_url:
                await self._send(group, now, backoff_s)

    def _is_routed(self, labels: Mapping[str, str]) -> bool:
        return bool(self.routed & {labels.get("container", ""), labels.get("deployment", "")})

    def _state(self, alert: ActiveAlert, now: float) -> str:
        """``firing``, ``resolved`` once after it, else empty."""
        if alert.state(now) == "firing":
            return "firing"
        return "resolved" if self._told.get(id(alert)) == "firing" else ""

    def _labels(self, alert: ActiveAlert) -> dict[str, str]:
        own = {"alertname": alert.rule.name, **alert.labels}
        return {**self.prometheus.external_labels, **own}

    async def _send(self, group: Sequence[ActiveAlert], now: float, backoff_s: float) -> None:
        body = self.payload(group, now)
        headers = {"authorization": f"Bearer {self.token}", "user-agent": "Alertmanager/0.28.1"}
        status = attempt = 0
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    answer = await client.post(self.webhook_url, json=body, headers=headers)
                    status = answer.status_code
                except httpx.TransportError:
                    status = 0
                if status and status // 100 != 5 and status != 429:
                    break
                await asyncio.sleep(backoff_s * attempt)
        self.deliveries.append(GroupDelivery(status, attempt, len(group)))
        for alert in group:
            self._told[id(alert)] = self._state(alert, now)

    def payload(self, group: Sequence[ActiveAlert], now: float) -> dict[str, Json]:
        """The notification about a group."""
        labels = [self._labels(alert) for alert in group]
        common = dict(set.intersection(*(set(one.items()) for one in labels)))
        grouped: dict[str, Json] = {n: common[n] for n in _GROUP_BY if n in common}
        named = ", ".join(f'{name}="{value}"' for name, value in grouped.items())
        firing = any(self._state(alert, now) == "firing" for alert in group)
        return {
            "version": "4",
            "groupKey": f"{{}}:{{{named}}}",
            "truncatedAlerts": 0,
            "status": "firing" if firing else "resolved",
            "receiver": "kfix",
            "groupLabels": grouped,
            "commonLabels": {**common},
            "commonAnnotations": {**group[0].rule.annotations},
            "externalURL": self.url,
            "alerts": [self._alert(a, one, now) for a, one in zip(group, labels, strict=True)],
        }

    def _alert(self, alert: ActiveAlert, labels: Mapping[str, str], now: float) -> Json:
        state = self._state(alert, now)
        ended = alert.ended_at if state == "resolved" else None
        return {
            "status": state,
            "labels": {**labels},
            "annotations": {**alert.rule.annotations},
            "startsAt": instant(alert.starts_at),
            "endsAt": _NEVER if ended is None else instant(ended),
            "generatorURL": f"{self.prometheus.url}/graph?g0.expr=&g0.tab=1",
            "fingerprint": _fingerprint(labels),
        }


def _fingerprint(labels: Mapping[str, str]) -> str:
    text = "\xff".join(f"{name}\xff{value}" for name, value in sorted(labels.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
