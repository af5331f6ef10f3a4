"""What a rule hands over is what the record of its class names, whichever family's rule found it."""

from __future__ import annotations

import pytest

from decide.core.families.registry import RULES
from decide.core.view import ClusterView
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster


def _view(cluster: Cluster) -> ClusterView:
    return ClusterView(cluster.bundle())


@pytest.mark.parametrize("key", sorted(FAULTS))
def test_a_rule_hands_over_the_facts_that_the_record_names(key: str) -> None:
    cluster = Cluster(5)
    for _ in range(3):
        cluster.app()
    FAULTS[key](cluster, cluster.app())
    view = _view(cluster)
    for rule in RULES:
        for finding in rule(view):
            assert isinstance(finding.facts, finding.kind.facts), finding.failure_class


@pytest.mark.parametrize(
    "words",
    [
        "did not have enough free storage",
        "bound to non-existent pv",
        "couldn't schedule: ReadWriteOncePod claim in use",
        "were unschedulable",
        "had untolerated taint {node.kubernetes.io/not-ready: }",
    ],
)
def test_causes_that_the_scheduler_names_have_the_facts_of_their_own_family(words: str) -> None:
    cluster = Cluster(6)
    name = cluster.app()
    cluster.unschedulable(name, f"0/3 nodes are available: 3 node(s) {words}.")
    found = [f for rule in RULES for f in rule(_view(cluster)) if f.object.name == name]
    named = [f for f in found if f.failure_class != "undetermined"]
    assert named
    for finding in named:
        assert isinstance(finding.facts, finding.kind.facts), finding.failure_class


@pytest.mark.parametrize(
    ("reason", "message", "class_id"),
    [
        (
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root",
            "pod_security_violation",
        ),
        ("CreateContainerError", "exec /app: exec format error", "image_platform_mismatch"),
        ("CreateContainerError", "container init was OOM-killed", "oom_killed"),
        (
            "CreateContainerConfigError",
            "couldn't find key url in ConfigMap shop/settings",
            "config_reference_missing",
        ),
        ("RunContainerError", "failed to start", "container_create_failed"),
    ],
)
def test_causes_that_the_kubelet_names_have_the_facts_of_their_own_family(
    reason: str, message: str, class_id: str
) -> None:
    cluster = Cluster(6)
    name = cluster.app()
    cluster.waiting(name, reason, message)
    found = [f for rule in RULES for f in rule(_view(cluster)) if f.failure_class == class_id]
    assert found
    for finding in found:
        assert isinstance(finding.facts, finding.kind.facts)
