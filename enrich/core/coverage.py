"""What an alert of a monitor would lead K-Fix to, told from the monitor alone. Pure.

The names are read as those of an alert are (``enrich.core.names``), with a stand-in for each tag that the monitor groups by.
Query syntax: docs.datadoghq.com/api/latest/monitors ("Create a monitor", by type).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from enrich.core.names import Named, readings
from kfix.incident import cluster_names, environments
from kfix.incident.cluster_names import Fleet
from kfix.incident.cluster_tags import folded, names_cluster
from kfix.incident.metric_queries import WORKLOAD_TAGS
from schemas.alerts import FiredRule
from schemas.context import Monitor
from schemas.places import ClusterClaim

#: How the alert's subject is come by. ``workload``: named with its namespace; ``search``: by a name that is looked for in
#: the cluster; ``address``: by what is called; ``namespace``, ``node``: what is measured of those, and no workload;
#: ``nothing``: no name.
Route = Literal["workload", "search", "address", "namespace", "node", "nothing"]
#: Routes on which a change can come of an alert, the surest first.
ACTING: tuple[Route, ...] = ("workload", "search", "address")
ROUTES: tuple[Route, ...] = (*ACTING, "namespace", "node", "nothing")

_GROUPED = re.compile(r"\bby\s*\{([^{}]*)\}|\.by\(([^()]*)\)", re.IGNORECASE)
#: What stands for a group's value: a name that nothing has.
_STAND_IN = "any"


@dataclass(frozen=True, slots=True)
class Covered:
    """One monitor. ``missing``: tags that would help, the most useful first. ``on``: tags that name the subject."""

    rule_id: str
    name: str
    type: str
    url: str
    route: Route
    on: tuple[str, ...]
    missing: tuple[str, ...]
    claim: ClusterClaim
    #: Its message names K-Fix's webhook.
    heard: bool
    silenced: bool
    #: Names of the rules behind it, by which the subject is found: a composite's members, an objective, a test.
    through: tuple[str, ...] = ()

    @property
    def acts(self) -> bool:
        """Whether K-Fix could propose a change for its alert, once it hears of it."""
        return self.route in ACTING and cluster_names.is_ours(self.claim)


@dataclass(frozen=True, slots=True)
class Totals:
    """All monitors, counted. ``missing``: of those that do not act, by the first tag that would help."""

    monitors: int
    acting: int
    heard: int
    acting_and_heard: int
    foreign: int
    #: This instance's cluster has a name: without one no alert is acted on.
    named: bool
    routes: Mapping[Route, int] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)


def covered(
    monitor: Monitor, fleet: Fleet, *, webhook: str, behind: Sequence[Monitor] = ()
) -> Covered:
    """One monitor. ``webhook``: the name behind ``@webhook-``; ``behind``: the rules that it sums up."""
    rule = FiredRule(id=monitor.rule_id, query=monitor.query)
    groups = grouped_by(monitor.query)
    mine, others = _standing_in(monitor), [_standing_in(one) for one in behind]
    whos = readings(_pairs(mine.tags), rule, mine, others)
    route, on, who = min((_way(who) for who in whos), key=lambda way: ROUTES.index(way[0]))
    if route == "nothing" and monitor.type.startswith("synthetics"):
        route, on = "address", ("url",)
    claim = _claim(monitor, groups, fleet)
    return Covered(
        rule_id=monitor.rule_id,
        name=monitor.name,
        type=monitor.type,
        url=monitor.url,
        route=route,
        on=on,
        missing=_missing(
            route, who, (mine, *others), bool(fleet.known) and claim.verdict == "unclaimed"
        ),
        claim=claim,
        heard=_hears(monitor.message, webhook),
        silenced=bool(monitor.silences),
        through=tuple(one.name for one in behind),
    )


def _standing_in(monitor: Monitor) -> Monitor:
    """The monitor as one of its alerts has it: a stand-in for each tag that it groups by.

    Which of its groups are in alert today is no matter of what an alert would name.
    """
    groups = (f"{name}:{_STAND_IN}" for name in grouped_by(monitor.query))
    return monitor.model_copy(update={"tags": (*monitor.tags, *groups), "group_states": {}})


def totals(found: Iterable[Covered]) -> Totals:
    """The sums."""
    every = list(found)
    idle = [one for one in every if not one.acts]
    routes = Counter(one.route for one in every)
    return Totals(
        monitors=len(every),
        acting=len(every) - len(idle),
        heard=sum(one.heard for one in every),
        acting_and_heard=sum(one.heard and one.acts for one in every),
        foreign=sum(one.claim.verdict == "foreign" for one in every),
        named=any(one.claim.own for one in every),
        routes={route: routes[route] for route in ROUTES if routes[route]},
        missing=dict(Counter(one.missing[0] for one in idle if one.missing).most_common()),
    )


def grouped_by(query: str) -> tuple[str, ...]:
    """The tags that a query groups by: ``by {a,b}`` of metrics, ``.by("a","b")`` of searches and checks."""
    found = (metric or search for metric, search in _GROUPED.findall(query))
    names = (name.strip().strip("\"'") for text in found for name in text.split(","))
    return tuple(dict.fromkeys(name for name in names if name and name != "*"))


def _way(who: Named) -> tuple[Route, tuple[str, ...], Named]:
    if who.namespace and (who.workload or who.pod):
        return "workload", ("kube_namespace", *_of(who)), who
    if not who.nobody:
        on = (("kube_namespace",) if who.namespace else ()) + _of(who)
        return ("address" if on == ("url",) else "search"), on, who
    if who.namespace:
        return "namespace", ("kube_namespace",), who
    if who.node:
        return "node", ("host",), who
    return "nothing", (), who


def tag_of(kind: str) -> str:
    """Datadog's tag for a workload of the kind: ``kube_stateful_set``."""
    return WORKLOAD_TAGS.get(kind) or f"kube_{kind.lower()}"


def _of(who: Named) -> tuple[str, ...]:
    pairs = (
        (tag_of(who.workload.kind) if who.workload else "", who.workload),
        ("pod_name", who.pod),
        ("container_id", who.container_id),
        ("service", who.services),
        ("kube_service", who.kube_service),
        ("url", who.addresses),
        ("container_name", who.container),
        ("image_name", who.image[0]),
        ("horizontalpodautoscaler", who.scaler),
        ("persistentvolumeclaim", who.volume_claim),
    )
    return next(((name,) for name, value in pairs if value), ())


def _missing(route: Route, who: Named, said: Sequence[Monitor], cluster: bool) -> tuple[str, ...]:
    found: list[str] = []
    if cluster:
        found.append("kube_cluster_name")
    if route in ("namespace", "node", "nothing"):
        found.append("service")
    if route in ("search", "nothing") and not who.namespace:
        found.append("kube_namespace")
    if not any(_says_environment(one) for one in said):
        found.append("env")
    return tuple(found)


def _says_environment(monitor: Monitor) -> bool:
    named = any(folded(name) == "env" for name in grouped_by(monitor.query))
    return named or any(said.explicit for said in environments.of_monitor(monitor))


def _claim(monitor: Monitor, groups: Sequence[str], fleet: Fleet) -> ClusterClaim:
    if fleet.known and any(names_cluster(name) for name in groups):
        # Each of its alerts names its cluster.
        return ClusterClaim(verdict="ours", own=fleet.names)
    return cluster_names.claim({}, "", monitor, fleet)


def _hears(message: str, webhook: str) -> bool:
    handle = re.escape(f"@webhook-{webhook}")
    return re.search(rf"{handle}(?![\w.-]*\w)", message) is not None


def _pairs(tags: Iterable[str]) -> dict[str, str]:
    return {name: value for name, colon, value in (t.partition(":") for t in tags) if colon}
