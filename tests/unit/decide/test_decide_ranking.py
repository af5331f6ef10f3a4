"""The ranking is the evidence's, not that of the order in which rules are asked."""

from __future__ import annotations

import json
import random

import pytest

from decide.core.families.registry import RULES
from decide.core.findings import Finding
from decide.core.ranking import rank
from decide.core.view import ClusterView
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster


def _ranked(key: str, order: int) -> list[tuple[object, ...]]:
    cluster = Cluster(5)
    for _ in range(3):
        cluster.app()
    FAULTS[key](cluster, cluster.app())
    view = ClusterView(cluster.bundle())
    rules = list(RULES)
    random.Random(order).shuffle(rules)
    found: list[Finding] = [f for rule in rules for f in rule(view)]
    return [
        (f.failure_class, f.object.key, f.score, f.detail, tuple(f.evidence), tuple(f.against))
        for f in rank(view, found)
    ]


@pytest.mark.parametrize("key", sorted(FAULTS))
def test_the_order_of_rules_does_not_count(key: str) -> None:
    assert len({json.dumps(_ranked(key, order), default=str) for order in (1, 2, 3)}) == 1
