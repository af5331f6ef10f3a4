"""What alerts and monitors say about clusters: which tags name one, and which values a scope or a query asks for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from kfix.incident.prometheus.expressions import asked_labels, is_promql
from schemas.context import Monitor

#: Tags that name a Kubernetes cluster, folded. ``kube_cluster_name`` and ``cluster_name``: Datadog's agent; the clouds'
#: ones: Datadog's AWS, Azure and Google integrations (``eks_eks-cluster-name`` is a tag that EKS puts on its nodes).
TAGS = frozenset(
    {
        "kube_cluster_name",
        "cluster_name",
        "cluster",
        "clustername",
        "kube_cluster",
        "kubernetes_cluster",
        "kubernetes_cluster_name",
        "k8s_cluster",
        "k8s_cluster_name",
        "eks_cluster",
        "eks_cluster_name",
        "eks_eks_cluster_name",
        "aws_eks_cluster_name",
        "aks_cluster",
        "aks_cluster_name",
        "gke_cluster",
        "gke_cluster_name",
    }
)
_RUN_TOGETHER = frozenset(tag.replace("_", "") for tag in TAGS)
#: Tags whose value is the UID of the cluster's namespace ``kube-system`` (Datadog's orchestrator explorer).
ID_TAGS = frozenset({"orch_cluster_id"})
#: ``key:value`` of a scope or a query's filter, also ``key IN (a, b)``, not behind a negation.
_PAIR = re.compile(
    r"(?P<not>[!-]|\bnot\s+)?(?<![\w.])(?P<key>@?[A-Za-z][\w./-]*)"
    r"(?::(?P<value>\"[^\"]*\"|\([^()]*\)|[^\s,{}()\"']+)|\s+(?P<nin>not\s+)?in\s*\((?P<list>[^()]*)\))",
    re.IGNORECASE,
)
#: The beginning of a negated group.
_LEFT_OUT = re.compile(r"(?:[!-]|\bnot\b)\s*\(", re.IGNORECASE)
_OR = re.compile(r"\s+or\s+|,", re.IGNORECASE)
#: Characters of a query that are looked at.
_LOOKED_AT = 20_000
#: Characters of one name that are kept.
LONGEST = 120


@lru_cache(4096)
def folded(key: str) -> str:
    """A tag's name as it is compared: ``eks_eks-cluster-name`` and ``EKS.eks_cluster_name`` are one."""
    return re.sub(r"[^a-z0-9]+", "_", key.strip().lower()).strip("_")


def names_cluster(key: str) -> bool:
    """Is it a tag that names a cluster? Datadog lowers ``kubeClusterName`` to ``kubeclustername``."""
    name = folded(key)
    return name in TAGS or name in _RUN_TOGETHER


def scoped(text: str) -> Iterator[tuple[str, str]]:
    """(tag, value) of what a scope or a query's filter asks for; negated ones, patterns and variables are none."""
    if is_promql(text):
        yield from asked_labels(text)
        return
    for key, value, wanted in asked_pairs(text):
        if wanted and not set(value) & set("*$?"):
            yield key, value


def asked_pairs(text: str) -> Iterator[tuple[str, str, bool]]:
    """(tag, value, whether it is asked for or left out) of a scope or of Datadog's query; patterns as they are written."""
    asked, left_out = _parted(text[:_LOOKED_AT])
    for part, inside in ((asked, True), (left_out, False)):
        for match in _PAIR.finditer(part):
            found = match["value"] if match["value"] is not None else match["list"]
            for word in _OR.split(found.strip("()")):
                value = word.strip().strip('"')
                if value:
                    yield match["key"], value, inside == (not (match["not"] or match["nin"]))


def _parted(text: str) -> tuple[str, str]:
    """What is asked for, and what is left out in brackets: ``-(a:b OR c:d)``. A minus before a metric's brackets is
    arithmetic.
    """
    at, kept, out, end = 0, [], [], len(text)
    for match in _LEFT_OUT.finditer(text):
        if match.start() < at:
            continue
        depth, stop = 1, match.end()
        while depth and stop < end:
            depth += (text[stop] == "(") - (text[stop] == ")")
            stop += 1
        if "{" not in text[match.end() : stop]:
            kept.append(text[at : match.start()])
            out.append(text[match.end() : stop])
            at = stop
    return " ".join((*kept, text[at:])), " ".join(out)


def of_monitor(monitor: Monitor | None) -> list[str]:
    """Clusters that a monitor watches: by its tags and its query, else by its groups."""
    if monitor is None:
        return []
    pairs = [(k, v) for k, _, v in (tag.partition(":") for tag in monitor.tags)]
    asked = of_pairs([*pairs, *scoped(monitor.query)])
    groups = (pair for group in monitor.group_states for pair in scoped(group))
    return asked or of_pairs(list(groups))


def of_pairs(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Clusters that pairs of tag and value name, each once."""
    found = (
        value.strip()[:LONGEST]
        for key, text in pairs
        if names_cluster(key)
        for value in text.split(",")
    )
    return list(dict.fromkeys(value for value in found if value))


def of_alert(tags: Mapping[str, str], scope: str) -> list[str]:
    """Clusters that an alert's tags and its scope name, each once."""
    return of_pairs([*tags.items(), *scoped(scope)])


def ids_of(tags: Mapping[str, str]) -> list[str]:
    """UIDs of clusters that an alert's tags say."""
    pairs = (text.split(",") for key, text in tags.items() if folded(key) in ID_TAGS)
    found = (part.strip() for parts in pairs for part in parts)
    return list(dict.fromkeys(uid for uid in found if uid))
