"""PromQL for the metrics around an alert and after a merge: the rows of ``kfix.incident.metrics`` that are Prometheus'. Pure.

Metrics of the kubelet's cAdvisor, of kube-state-metrics, and the ones that client libraries give a service. A workload's
pods are found by their names, which every exporter tells: a controller's name and what Kubernetes generates after it
(``k8s.io/apimachinery/pkg/util/rand``). Only names that Kubernetes allows get into a query; others ask nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kfix.incident.metrics import METRICS, Metric
from kfix.incident.prometheus.labels import NAMES

#: Seconds over which counters become rates: four scrapes a minute apart, and some.
RATE_S = 300
#: ``metadata.name`` of the objects that are asked about (RFC 1123 subdomain).
NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
#: What of a generated name Kubernetes chooses from.
_ALPHABET = "[bcdfghjklmnpqrstvwxz2456789]"
#: Shared name of a controller to what follows it in its pods' names.
_PODS: Mapping[str, str] = {
    "kube_deployment": f"-{_ALPHABET}{{1,10}}-{_ALPHABET}{{5}}",
    "kube_argo_rollout": f"-{_ALPHABET}{{1,10}}-{_ALPHABET}{{5}}",
    "kube_stateful_set": "-[0-9]+",
    "kube_daemon_set": f"-{_ALPHABET}{{5}}",
    "kube_cronjob": f"-[0-9]+-{_ALPHABET}{{5}}",
    "kube_job": f"-{_ALPHABET}{{5}}",
}
_ALL = ("workload", "service")
_LABELS = {shared: label for label, shared in NAMES.items()}
_SELECTOR = re.compile(r"(?P<name>\w+)(?:\{(?P<where>[^}]*)\})?")


@dataclass(frozen=True, slots=True)
class SeriesOf:
    """Whose series a Prometheus has. ``cluster``: of this one alone, empty for the only one there is; ``label``: that tells
    clusters apart, empty where series have none."""

    cluster: str = ""
    label: str = ""

    def has(self, cluster: str) -> bool:
        """Whether series of the cluster may be there; ``""`` where nobody says which."""
        return not (self.cluster and cluster) or self.cluster.lower() == cluster.lower()


@dataclass(frozen=True, slots=True)
class PromQuestion:
    """A query, and the row of the table that its answer is of."""

    metric: Metric
    promql: str

    @property
    def is_rate(self) -> bool:
        """Whether its answer at a time tells of the ``RATE_S`` seconds before it."""
        return "rate(" in self.promql


def questions(names: Mapping[str, str], whose: SeriesOf) -> list[PromQuestion]:
    """What is asked for a workload or its service, by the shared names; nothing for what is not named, or not there."""
    if not whose.has(names.get("kube_cluster_name", "")):
        return []
    place = _place(names, whose.label)
    if place is None:
        return []
    workload = _pods(names)
    if workload:
        where = [*place, workload]
        return [PromQuestion(m, promql_of(m, where)) for of in _ALL for m in _asked(of)]
    service = names.get("kube_service") or names.get("service", "")
    if not NAME.fullmatch(service):
        return []
    where = [*place, matcher("service", service)]
    return [PromQuestion(m, promql_of(m, where)) for m in _asked("service")]


def matcher(label: str, value: str) -> str:
    """``label="value"``, with what would end the text escaped (PromQL's strings are Go's)."""
    told = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{label}="{told}"'


def _place(names: Mapping[str, str], cluster_label: str) -> list[str] | None:
    """The namespace, and the cluster where series have it; ``None`` where either is no name."""
    wanted = {"namespace": names.get("kube_namespace", "")}
    if cluster_label:
        wanted[cluster_label] = names.get("kube_cluster_name", "")
    if not all(NAME.fullmatch(value) for value in wanted.values()):
        return None
    return [matcher(label, value) for label, value in wanted.items()]


def _pods(names: Mapping[str, str]) -> str:
    for shared, generated in _PODS.items():
        name = names.get(shared, "")
        if NAME.fullmatch(name):
            return f'pod=~"{name.replace(".", "[.]")}{generated}"'
    return ""


def _asked(of: str) -> Iterator[Metric]:
    return (m for m in METRICS if m.source == "prometheus" and m.asked and m.of == of)


def promql_of(metric: Metric, where: list[str]) -> str:
    """A row's query: its statistic over what it is grouped by; counters as rates; a histogram's mean. Empty for none."""
    asked = metric.asked
    if asked is None:
        return ""
    by = [_LABELS.get(name, name) for name in asked.by]
    grouped = f" by ({', '.join(by)})" if by else ""
    if metric.name.endswith("_seconds"):
        parts = (_rate(f"{metric.name}_{part}", where) for part in ("sum", "count"))
        return " / ".join(f"sum{grouped}({part})" for part in parts)
    taken = _rate(metric.name, where) if asked.as_count else _select(metric.name, where)
    return f"{asked.statistic}{grouped}({taken})"


def _rate(name: str, where: list[str]) -> str:
    return f"rate({_select(name, where)}[{RATE_S // 60}m])"


def _select(name: str, where: list[str]) -> str:
    """The selector of a row's name, which may have matchers of its own. cAdvisor tells of whole pods as well."""
    found = _SELECTOR.fullmatch(name)
    assert found is not None, name
    own = [found["where"]] if found["where"] else []
    if found["name"].startswith("container_"):
        own.append('container!="", container!="POD"')
    return f"{found['name']}{{{', '.join([*where, *own])}}}"
