"""What keeps a pod off a node by their own words: taints and tolerations, node selectors and affinity. Lenient: for
evidence.

Source: k8s.io/api ``core/v1`` toleration.go (ToleratesTaint); k8s.io/component-helpers
``scheduling/corev1/nodeaffinity`` (GetRequiredNodeAffinity); kubernetes.io/docs/concepts/scheduling-eviction.
"""

from __future__ import annotations

from manifests.objects.meta import labels_of, name_of
from manifests.objects.selectors import equal, requirement
from manifests.objects.shapes import Obj, items, mapping, mappings

#: Effects that keep a pod off; ``PreferNoSchedule`` does not.
_KEEPING_OFF = ("NoSchedule", "NoExecute")


def taints_of(node: object) -> list[Obj]:
    """``spec.taints``."""
    return mappings(node, "spec", "taints")


def tolerates(toleration: Obj, taint: Obj) -> bool:
    """Does it tolerate the taint? An empty effect or key means all; an empty operator means ``Equal``."""
    if toleration.get("effect") and toleration.get("effect") != taint.get("effect"):
        return False
    if toleration.get("key") and toleration.get("key") != taint.get("key"):
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Equal":
        return str(toleration.get("value") or "") == str(taint.get("value") or "")
    return bool(operator == "Exists")


def untolerated(spec: Obj, node: Obj) -> list[Obj]:
    """The node's taints that keep pods of this spec off."""
    tolerations = mappings(spec, "tolerations")
    return [
        taint
        for taint in taints_of(node)
        if taint.get("effect") in _KEEPING_OFF
        and not any(tolerates(one, taint) for one in tolerations)
    ]


def selector_takes(spec: Obj, node: Obj) -> bool:
    """Does the pod's ``nodeSelector`` take the node?"""
    wanted = mapping(spec, "nodeSelector")
    return not wanted or equal(wanted, labels_of(node))


def affinity_takes(spec: Obj, node: Obj) -> bool:
    """Does the pod's required node affinity take the node? Its terms are alternatives."""
    needed = mapping(
        spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"
    )
    return not needed or any(
        term_takes(term, node) for term in mappings(needed, "nodeSelectorTerms")
    )


def term_takes(term: Obj, node: Obj) -> bool:
    """One term of a node selector; an empty one takes no node."""
    expressions, fields = items(term, "matchExpressions"), items(term, "matchFields")
    if not expressions and not fields:
        return False
    name = {"metadata.name": name_of(node)}
    return all(requirement(labels_of(node), mapping(entry)) for entry in expressions) and all(
        requirement(name, mapping(entry)) for entry in fields
    )
