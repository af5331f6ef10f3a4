"""What a namespace-wide alert measures, and which causes bear on that. Pure.

An alert that names a namespace and nothing in it is about what its rule measures: a quota that runs out, a number of pods.
Another trouble that happens to be there is told and never mended in its name. Metric names: those of Datadog's Kubernetes,
kubelet and kube-state-metrics integrations (docs.datadoghq.com/containers/kubernetes/data_collected) and of
kube-state-metrics and cAdvisor themselves.
"""

from __future__ import annotations

import re
from typing import Literal

from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.incident.prometheus.links import expression_in
from manifests.objects.shapes import at, number
from manifests.objects.workloads import Workload

#: ``bounds``: quotas and limits. ``numbers``: how many there are. ``restarts``, ``readiness``: containers and pods that do
#: not do well. ``cpu``, ``memory``, ``storage``, ``jobs``: what the word says. ``requests``: what callers notice, of which
#: anything may be the cause. ``other``: a number that only its owner knows.
Measured = Literal[
    "bounds",
    "numbers",
    "restarts",
    "readiness",
    "cpu",
    "memory",
    "storage",
    "jobs",
    "requests",
    "other",
]
#: The first that fits a metric's name counts.
_BY_NAME: tuple[tuple[str, Measured], ...] = (
    (r"resource_?quota|limit_?range|quota", "bounds"),
    (
        r"^(?:trace|http|nginx|envoy|istio|haproxy|aws\.(?:elb|applicationelb)|rum|synthetics)[._]",
        "requests",
    ),
    (r"restart|terminated|oom|crash", "restarts"),
    (
        r"waiting|back_?off|unavailable|not_?ready|ready|pending|status_phase|phase|condition|unschedulable|available",
        "readiness",
    ),
    (r"job|cron", "jobs"),
    (r"pvc|volume|filesystem|disk|storage|inode|ephemeral", "storage"),
    (r"cpu|throttl", "cpu"),
    (r"mem(?:ory)?(?![a-z])|heap|rss|working_set", "memory"),
    (
        r"^(?:kubernetes|kubernetes_state|kube|container|k8s)[._].*(?:count|running|replicas|desired|total|number|hpa|scal)",
        "numbers",
    ),
)
#: Where a word begins in a name like ``KubeCPUQuotaOvercommit``.
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_METRIC = re.compile(r"(?<![\w.])(?:avg|sum|min|max|count|p\d{2}):(?P<name>[A-Za-z][\w.]*)\s*\{")
#: A service check.
_CHECK = re.compile(r'"(?P<name>[A-Za-z][\w.]*)"\s*\.over\(')
#: The same in PromQL, where a selector or a range follows.
_PROMQL = re.compile(r"(?<![\w.:])(?P<name>[a-z_][a-z0-9_:]{3,})\s*[{\[]")
#: What a title says that callers notice.
_NOTICED = re.compile(
    r"\b(?:errors?|latency|slow(?:ness)?|5xx|50[0234]|time-?outs?|unreachable|outage|down|availability|apdex|slo|error budget)\b",
    re.IGNORECASE,
)
#: Searches instead of metrics: what they count, people or programs said of requests or of themselves.
_SEARCH = re.compile(
    r"\b(?:logs|trace-analytics|rum|events|error-tracking(?:-rum)?|processes|network-performance)\s*\("
)
#: Datadog's types of monitors that measure nothing of a cluster, whatever their tags name.
_OF_NO_CLUSTER = frozenset({"cost alert", "ci-pipelines alert", "ci-tests alert"})
_BOUNDS = frozenset({"ResourceQuota", "LimitRange"})
_NUMBERS = _BOUNDS | {"HorizontalPodAutoscaler"}
_OF_BOUNDS = ("quota_", "limit_range_")
#: Families whose causes bear on a measure, besides what is seen at the object itself.
_FAMILIES: dict[Measured, frozenset[str]] = {
    "cpu": frozenset({"performance", "regressions", "autoscaling"}),
    "memory": frozenset({"resources", "strain"}),
    "storage": frozenset({"storage", "attachments"}),
    "jobs": frozenset({"jobs"}),
}


def measured(view: ClusterView) -> frozenset[Measured]:
    """What the alert's rule measures; empty where the alert is about an object.

    Of a rule that nobody knows its name or the alert's title tells; where those do not, it is nothing that is known here.
    """
    bundle = view.bundle
    if bundle.monitor is not None and bundle.monitor.type in _OF_NO_CLUSTER:
        return frozenset({"other"})
    if bundle.search.ending != "namespace":
        return frozenset()
    rule = bundle.alert.rule
    queries = " ; ".join(queries_of(view))
    if _SEARCH.search(queries):
        return frozenset({"requests"})
    patterns = (_METRIC, _CHECK, _PROMQL)
    found = next((some for p in patterns if (some := [*p.finditer(queries)])), [])
    names = {match["name"] for match in found} or {rule.metric} - {""}
    return frozenset(map(_of_name, names)) or _called(view) or _titled(view)


def queries_of(view: ClusterView) -> tuple[str, ...]:
    """The rule's query, by everything that says it. Where no source knows the rule, the sender's link to it does: that
    limits what may be mended, and is never asked of anybody.
    """
    alert, monitor = view.bundle.alert, view.bundle.monitor
    known = [q for q in (alert.rule.query, monitor.query if monitor else "") if q]
    return tuple(known or [q for q in (expression_in(alert.links.get("rule", "")),) if q])


def _called(view: ClusterView) -> frozenset[Measured]:
    """What a rule of Prometheus is called after (``KubeQuotaAlmostFull``), or a label of its series."""
    alert = view.bundle.alert
    if alert.labels.get("resourcequota"):
        return frozenset({"bounds"})
    if not alert.rule.id or alert.rule.id.isdigit():
        return frozenset()
    kind = _of_name(_WORD.sub("_", alert.rule.id))
    return frozenset() if kind == "other" else frozenset({kind})


def _titled(view: ClusterView) -> frozenset[Measured]:
    """What the title says that it measures."""
    title = view.bundle.alert.title
    return frozenset({"requests" if _NOTICED.search(title) else _of_name(title)})


def _of_name(name: str) -> Measured:
    folded = name.lower()
    return next((kind for pattern, kind in _BY_NAME if re.search(pattern, folded)), "other")


def bears(finding: Finding, kinds: frozenset[Measured]) -> bool:
    """Whether the finding may be the cause of what is measured; of an alert about an object everything may."""
    return not kinds or any(_bears(finding, kind) for kind in kinds)


def _wanted(workload: Workload) -> int:
    """How many pods its spec asks for."""
    return number(at(workload.obj, "spec", "replicas"), 1)


def _bears(finding: Finding, kind: Measured) -> bool:
    entry, workload = finding.kind, finding.facts.workload
    bound = finding.object.kind in _BOUNDS or entry.id.startswith(_OF_BOUNDS)
    if kind in ("bounds", "numbers"):
        wide = _BOUNDS if kind == "bounds" else _NUMBERS
        nobody = kind == "numbers" and workload is not None and not _wanted(workload)
        return bound or finding.object.kind in wide or nobody
    if kind == "requests" or entry.at_node or entry.everybodys:
        return kind != "other"
    if kind == "restarts":
        pods = workload.pods if workload is not None else ()
        return any(container.restarts for pod in pods for container in pod.containers())
    if kind == "readiness":
        return bound or workload is None or not workload.available
    return entry.family.id in _FAMILIES.get(kind, ())
