"""Objects of shapes that nobody expected are read as far as they can be: no rule breaks on them."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from decide.core.deciding import diagnose_with
from decide.core.drafting.drafts import field_change
from decide.core.families.registry import BUILDERS, PARTS
from decide.core.taxonomy import FAMILIES
from decide.core.view import ClusterView
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster

_PARTS = dict(zip(sorted(FAMILIES), PARTS, strict=True))
_ODD: tuple[object, ...] = (None, [], {}, "x", 7, True, [None], {"a": None}, -1, "\u00b2", [[]])
#: How often each fault is bent.
_ROUNDS = 20 if os.environ.get("KFIX_TEST_FULL") else 2

_SELECTS: dict[str, Any] = {"a": "b"}


def _service(cluster: Cluster, name: str, **spec: Any) -> None:
    meta = {"name": name, "namespace": cluster.namespace}
    cluster.objects["services"].append({"metadata": meta, "spec": {"selector": _SELECTS, **spec}})


@pytest.mark.parametrize(
    "ports",
    [
        None,
        [None],
        "http",
        [{"port": 80, "targetPort": ["http"]}],
        [{"port": {}, "targetPort": None}],
        [{"port": 80, "targetPort": "http"}],
    ],
)
@pytest.mark.parametrize("offered", [{"containerPort": 80, "name": []}, {"containerPort": "x"}])
def test_ports_of_any_shape_are_read(ports: object, offered: dict[str, object]) -> None:
    cluster = Cluster(4)
    app = cluster.app(ports=[offered])
    _service(cluster, "odd", ports=ports)
    _service(cluster, app, ports=ports, selector={"app": app})
    assert diagnose_with((), cluster.bundle()).broken == ()


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every container below with each of its keys."""
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in list(keys):
        yield node, key
        yield from _places(node[key])


def _bent(fault: str, chance: random.Random) -> Cluster:
    """A cluster with the fault, and up to four of its fields of another shape."""
    cluster = Cluster(chance.randrange(50))
    cluster.app()
    FAULTS[fault](cluster, cluster.app())
    cluster.objects = json.loads(json.dumps(cluster.objects))
    for _ in range(chance.choice((1, 2, 4))):
        plural = chance.choice([p for p, found in cluster.objects.items() if found])
        node, key = chance.choice(list(_places(chance.choice(cluster.objects[plural]))))
        node[key] = copy.deepcopy(chance.choice(_ODD))
    return cluster


@pytest.mark.parametrize("family", sorted(f for f in FAMILIES if _PARTS[f].rules))
def test_fields_of_any_shape_break_no_rule_and_no_plan(family: str) -> None:
    chance = random.Random(family)
    heard = 0
    for fault in sorted(FAULTS) * _ROUNDS:
        view = ClusterView(_bent(fault, chance).bundle())
        for finding in (f for rule in _PARTS[family].rules for f in rule(view)):
            heard += 1
            builder = BUILDERS.get(finding.failure_class)
            assert builder is None or isinstance(builder(finding, view), list)
    assert heard


@pytest.mark.parametrize("held", [None, "x", 7, [1]])
def test_what_can_hold_no_field_is_not_changed(held: object) -> None:
    assert field_change({"spec": held}, "spec.replicas", 3) is None
