"""What one rule says of a made-up cluster, in lines that a person reads.

A sentence stands there as its id and what it is filled with, so that it may be reworded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from decide.core.families.parts import Rule
from decide.core.findings import Fact, Finding
from decide.core.view import ClusterView
from manifests.objects.meta import name_of
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.context import ContextBundle
from schemas.text import Text, text_of
from tests.support.decide.clusters import Cluster

SPACE = "shop"


def shop(*names: str) -> Cluster:
    """Healthy applications of these names in the namespace ``shop``, on the nodes n1, n2 and n3 in turn."""
    cluster = Cluster(1)
    cluster.namespace = SPACE
    cluster.nodes = ["n1", "n2", "n3"]
    cluster.objects["nodes"] = [cluster.node(name) for name in cluster.nodes]
    for number, name in enumerate(names):
        cluster.app(name, port=8080)
        cluster.pod(name)["spec"]["nodeName"] = cluster.nodes[number % 3]
    return cluster


def found(rule: Rule, given: Cluster | ContextBundle) -> list[Finding[Any]]:
    """What the rule finds."""
    bundle = given.bundle() if isinstance(given, Cluster) else given
    return list(rule(ClusterView(bundle)))


def heads(rule: Rule, given: Cluster | ContextBundle) -> list[str]:
    """Of each finding its score, class and object: ``0.9 oom_killed of Deployment/shop/web``."""
    return [_head(one) for one in found(rule, given)]


def whole(rule: Rule, given: Cluster | ContextBundle) -> list[str]:
    """Of each finding everything: its head and detail, evidence, what stands against it, and its facts."""
    return [line for one in found(rule, given) for line in _lines(one)]


def everywhere(bundle: ContextBundle) -> ContextBundle:
    """The same of an alert that names no namespace."""
    context = bundle.k8s_context.model_copy(update={"namespace": "", "subject": None})
    return bundle.model_copy(update={"k8s_context": context})


def _head(one: Finding[Any]) -> str:
    return f"{round(one.score, 3):g} {one.failure_class} of {one.object.key}"


def _lines(one: Finding[Any]) -> list[str]:
    against = [f"against: {_told(text)}" for text in one.against]
    detail = [f"told: {_told(one.detail)}"]
    return [_head(one), *detail, *map(_fact, one.evidence), *against, f"facts: {_told(one.facts)}"]


def _fact(fact: Fact) -> str:
    place = f" {fact.object.key}" if fact.object is not None else ""
    value = "" if fact.value is None else f" = {fact.value:g} {fact.unit}"
    return f"{fact.source}{place}: {_told(fact.statement)}{value}"


def _told(value: Any) -> str:
    text = value if isinstance(value, Text) else text_of(value)
    if text is not None:
        return f"{text.id} {_pairs(text.parameters)}".rstrip()
    if isinstance(value, Workload):
        return f"{value.kind} {value.name}"
    if isinstance(value, ObjectRef):
        return f"{value.api_version} {value.key}".lstrip()
    if isinstance(value, Mapping):
        return f"object {name_of(value)}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        return f"{type(value).__name__} {_pairs(fields)}".rstrip()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_told, value)) + "]"
    return str(value)


def _pairs(fields: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}={_told(value)}" for name, value in sorted(fields.items()) if value is not None
    )
