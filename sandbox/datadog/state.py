"""What a small Datadog organisation holds: monitors, events, logs, metrics, webhooks, downtimes."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from sandbox.datadog.metrics import MetricSource, Timeline

State = Literal["OK", "Alert", "Warn", "No Data"]
#: A log's status (https://docs.datadoghq.com/logs/log_configuration/processors/log_status_remapper/).
Severity = Literal[
    "emergency", "alert", "critical", "error", "warn", "notice", "info", "debug", "ok"
]
AlertType = Literal["error", "warning", "success", "info"]


@dataclass(slots=True)
class GroupState:
    """Where one group of a multi-alert monitor stands. Times are unix seconds, 0 for never."""

    status: State = "OK"
    #: Where it stood before, and since when it does not.
    before: State = "OK"
    changed: float = 0.0
    last_triggered: int = 0
    last_resolved: int = 0
    last_notified: int = 0

    def at(self, now: float) -> State:
        """Where it stood at a time, the last change looked back at."""
        return self.status if self.changed <= now else self.before


@dataclass(slots=True)
class Monitor:
    """A monitor as its API shows it. ``message`` names its webhooks with ``@webhook-<name>``."""

    id: int
    name: str
    query: str
    message: str = ""
    type: str = "query alert"
    tags: tuple[str, ...] = ()
    thresholds: dict[str, float] = field(default_factory=dict)
    priority: int | None = 2
    #: Group (``kube_namespace:shop,kube_deployment:api``) to state; key ``*`` for a simple monitor.
    groups: dict[str, GroupState] = field(default_factory=dict)
    #: Scope to unix seconds of its end, ``None``: open.
    silenced: dict[str, int | None] = field(default_factory=dict)
    synthetics_check_id: str = ""
    created: float = 1_760_000_000.0

    def overall_state(self, now: float = math.inf) -> State:
        """The worst state of the groups, as far as it is known at a time."""
        present = {g.at(now) for g in self.groups.values()}
        worst: tuple[State, ...] = ("Alert", "Warn", "No Data")
        return next((s for s in worst if s in present), "OK")


@dataclass(slots=True)
class Event:
    """An event of the stream. ``happened_at`` in unix seconds."""

    id: int
    title: str
    text: str
    happened_at: float
    tags: tuple[str, ...] = ()
    alert_type: AlertType = "info"
    source: str = "alert"
    host: str = ""
    priority: Literal["normal", "low"] = "normal"
    monitor_id: int | None = None
    group: str = ""
    cycle_key: str = ""
    transition: str = ""


@dataclass(slots=True)
class LogLine:
    """One indexed log. ``at`` in unix seconds; ``tags`` as ``key:value``; ``status`` of Datadog's severities."""

    at: float
    message: str
    service: str = ""
    status: Severity = "info"
    host: str = ""
    tags: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    index: str = "main"


@dataclass(slots=True)
class Webhook:
    """A webhook of the integration tile. ``payload`` empty: Datadog's default one."""

    name: str
    url: str
    payload: str | None = None
    custom_headers: str | None = None
    encode_as: Literal["json", "form"] = "json"


@dataclass(slots=True)
class CustomVariable:
    """A custom variable of the webhooks integration; the value of a secret one is never shown."""

    name: str
    value: str
    is_secret: bool = False


@dataclass(slots=True)
class Downtime:
    """A scheduled silence. Unix seconds; ``end`` ``None``: until cancelled."""

    id: str
    scope: str
    start: float
    end: float | None = None
    monitor_id: int | None = None
    message: str = ""


@dataclass(slots=True)
class Objective:
    """A service level objective of monitors, or of metrics."""

    id: str
    name: str
    monitor_ids: tuple[int, ...] = ()
    numerator: str = ""
    denominator: str = ""
    tags: tuple[str, ...] = ()


@dataclass(slots=True)
class SyntheticsTest:
    """An API or browser test of one address."""

    public_id: str
    name: str
    url: str
    type: Literal["api", "browser"] = "api"
    monitor_id: int = 0
    tags: tuple[str, ...] = ()


@dataclass(slots=True)
class StoredTimelines:
    """A metric source for tests: timelines put in by hand."""

    lines: list[Timeline] = field(default_factory=list)

    def timelines(self, metric: str) -> Iterable[Timeline]:
        """Those of one metric."""
        return [line for line in self.lines if line.metric == metric]

    def names(self) -> Iterable[str]:
        """Those of all that were put in."""
        return dict.fromkeys(line.metric for line in self.lines)


@dataclass(slots=True)
class RateLimit:
    """Requests of one endpoint name in a window of ``period`` seconds, which begin as the calendar's do."""

    limit: int
    period: int
    used: int = 0
    since: float = 0.0

    def take(self, now: float) -> bool:
        """Counts a request; false when the limit is reached."""
        if now - self.since >= self.period:
            self.since, self.used = now - now % self.period, 0
        self.used += 1
        return self.used <= self.limit


@dataclass(slots=True)
class Datadog:
    """One organisation. ``clock`` gives unix seconds."""

    api_key: str = "sandbox-datadog-api-key"
    app_key: str = "sandbox-datadog-app-key"
    org_id: str = "100042"
    org_name: str = "Sandbox"
    #: Address of the web application, for links in events.
    app_url: str = "http://127.0.0.1"
    clock: Callable[[], float] = time.time
    #: Seconds until events and changes of monitors are found through the API; webhooks are faster.
    index_s: float = 0.0
    metrics: MetricSource = field(default_factory=StoredTimelines)
    monitors: dict[int, Monitor] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    logs: list[LogLine] = field(default_factory=list)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    variables: dict[str, CustomVariable] = field(default_factory=dict)
    downtimes: list[Downtime] = field(default_factory=list)
    objectives: dict[str, Objective] = field(default_factory=dict)
    tests: dict[str, SyntheticsTest] = field(default_factory=dict)
    #: By endpoint name (``logs``, ``events``, ``query``, ``monitor``, ``integration``, ``downtime``).
    limits: dict[str, RateLimit] = field(default_factory=dict)
    _ids: itertools.count[int] = field(
        default_factory=lambda: itertools.count(7_900_000_000_000_001)
    )

    def indexed(self) -> float:
        """What happened until then is found."""
        return self.clock() - self.index_s

    def next_event_id(self) -> int:
        """A fresh event id."""
        return next(self._ids)

    def limit_of(self, name: str) -> RateLimit:
        """The limit of one endpoint name. Searching logs is the tight one, as in the real service."""
        return self.limits.setdefault(name, RateLimit(300 if name == "logs" else 6000, 3600))
