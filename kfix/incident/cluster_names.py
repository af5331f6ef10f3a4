"""Which cluster an alert is about, and whether it is ours. Pure.

In doubt it is somebody else's: one name that is not ours, or names that disagree, are enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kfix.texts import say
from schemas.context import Monitor
from schemas.places import ClusterClaim
from schemas.text import again as as_said

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
    r"(?::(?P<value>\"[^\"]*\"|\([^()]*\)|[^\s,{}()\"]+)|\s+(?P<nin>not\s+)?in\s*\((?P<list>[^()]*)\))",
    re.IGNORECASE,
)
#: The beginning of a negated group.
_LEFT_OUT = re.compile(r"(?:[!-]|\bnot\b)\s*\(", re.IGNORECASE)
_OR = re.compile(r"\s+or\s+|,", re.IGNORECASE)
#: Characters of a query that are looked at.
_LOOKED_AT = 20_000
_NAMES_AT_MOST = 20
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Own:
    """The cluster that this instance is connected to. Without a name nothing can be claimed.

    ``uid``: of its namespace ``kube-system``; empty: not compared.
    """

    name: str = ""
    aliases: tuple[str, ...] = ()
    environment: str = ""
    uid: str = ""

    @property
    def names(self) -> frozenset[str]:
        """All that it is called, as names are compared."""
        return frozenset(n for n in (_name(t) for t in (self.name, *self.aliases)) if n)

    def is_named(self, text: str) -> bool:
        """Does the text name it? An ARN is another cluster's where we have one that ends alike and differs."""
        name = _name(text)
        mine = [t.strip().casefold() for t in (self.name, *self.aliases)]
        arns = [arn for arn in mine if arn.startswith("arn:") and _name(arn) == name]
        whole = text.strip().casefold()
        return whole in arns if arns and whole.startswith("arn:") else name in self.names


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
    for match in _PAIR.finditer(_asked(text[:_LOOKED_AT])):
        if match["not"] or match["nin"]:
            continue
        found = match["value"] if match["value"] is not None else match["list"]
        for part in _OR.split(found.strip("()")):
            value = part.strip().strip('"')
            if value and not set(value) & set("*$?"):
                yield match["key"], value


def _asked(text: str) -> str:
    """Without what is left out in brackets: ``-(a:b OR c:d)``. A minus before a metric's brackets is arithmetic."""
    at, kept, end = 0, [], len(text)
    for match in _LEFT_OUT.finditer(text):
        if match.start() < at:
            continue
        depth, stop = 1, match.end()
        while depth and stop < end:
            depth += (text[stop] == "(") - (text[stop] == ")")
            stop += 1
        if "{" not in text[match.end() : stop]:
            kept.append(text[at : match.start()])
            at = stop
    return " ".join((*kept, text[at:]))


def claim(tags: Mapping[str, str], scope: str, monitor: Monitor | None, own: Own) -> ClusterClaim:
    """Whose cluster the alert is about. What the alert says counts first; a monitor may watch several clusters, but a
    monitor that watches others only contradicts it."""
    alert = _of_pairs([*tags.items(), *scoped(scope)])
    others = _of_monitor(monitor)
    named = tuple(dict.fromkeys((*alert, *others)))[:_NAMES_AT_MOST]
    ids = [v for k, v in tags.items() if folded(k) in ID_TAGS and v]
    if own.uid and any(value.strip().lower() != own.uid.strip().lower() for value in ids):
        return _foreign(named, own, say("incident.cluster.tag", uid=ids[0][:_LONGEST]))
    return _compared(alert, others, named, own)


def _compared(
    alert: Sequence[str], others: Sequence[str], named: tuple[str, ...], own: Own
) -> ClusterClaim:
    if not own.names:
        return ClusterClaim(verdict="unclaimed", named=named)
    strange = [name for name in alert or others if not own.is_named(name)]
    contradicted = bool(others) and not any(own.is_named(name) for name in others)
    if strange or contradicted:
        return _foreign(named, own)
    return ClusterClaim(verdict="ours" if named else "unnamed", named=named, own=own.name)


def _foreign(named: tuple[str, ...], own: Own, reason: str = "") -> ClusterClaim:
    return ClusterClaim(verdict="foreign", named=named, own=own.name, reason=reason)


def again(told: ClusterClaim, cluster: str, own: Own) -> ClusterClaim:
    """A record's claim, judged by who is about to act on it. ``cluster``: where the record says it belongs.

    What was foreign stays so, and what was never judged is judged by its name.
    """
    if told.verdict in ("foreign", "unclaimed"):
        return told
    if not own.names:
        return told.model_copy(update={"verdict": "unclaimed"})
    if cluster and not own.is_named(cluster):
        named = tuple(dict.fromkeys((*told.named, cluster)))
        return _foreign(named, own, as_said(told.reason, told.reason_text))
    if told.verdict == "unjudged":
        verdict = "ours" if cluster else "unnamed"
        return told.model_copy(update={"verdict": verdict, "own": own.name})
    return told


def is_ours(told: ClusterClaim) -> bool:
    """May the cluster be read, and a change be dry-run and proposed?"""
    return told.verdict in ("ours", "unnamed")


def another(told: ClusterClaim, own: Own, uid: str) -> ClusterClaim:
    """The claim once the API server was seen: ``uid`` of its ``kube-system``, empty when that was not readable."""
    if not uid or not own.uid or uid.strip().lower() == own.uid.strip().lower():
        return told
    reason = say("incident.cluster.uid", uid=uid[:_LONGEST])
    return _foreign(told.named, own, reason)


def _of_monitor(monitor: Monitor | None) -> list[str]:
    if monitor is None:
        return []
    pairs = [(k, v) for k, _, v in (tag.partition(":") for tag in monitor.tags)]
    asked = _of_pairs([*pairs, *scoped(monitor.query)])
    groups = (pair for group in monitor.group_states for pair in scoped(group))
    return asked or _of_pairs(list(groups))


def _of_pairs(pairs: Sequence[tuple[str, str]]) -> list[str]:
    found = (
        value.strip()[:_LONGEST]
        for key, text in pairs
        if names_cluster(key)
        for value in text.split(",")
    )
    return list(dict.fromkeys(value for value in found if value))


def _name(text: str) -> str:
    """A name as it is compared. Datadog writes tags in lower case; EKS' ARN ends in the name."""
    name = text.strip().casefold()
    return name.rpartition("/")[2] if name.startswith("arn:") else name
