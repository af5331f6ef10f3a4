"""Every class that has plans asks the declared objects for its cause: before and after each of its plans, on made-up faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from decide.core.diagnosis import Diagnosis, diagnose
from decide.core.families.registry import CAUSES
from decide.core.planning import propose
from decide.core.proof.counterfactual import counterfactual
from decide.core.proof.page import page, without_question
from decide.core.proof.proving import faults
from decide.core.view import ClusterView
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster

ROOT = Path(__file__).resolve().parents[4]
ASKED = sorted(key for key in FAULTS if key.partition("/")[0] in CAUSES)
#: Faults that are made up without what would make them: the objects then do not show the cause, and no plan may pass.
UNSHOWN = {
    "autoscaler_conflict/two",
    "certificate_invalid/expired",
    "certificate_invalid/issuer",
    "certificate_invalid/told by the ingress controller",
    "certificate_invalid/untrusted",
    "cluster_dns_down",
    "cluster_dns_down/a loop of its own",
    "cluster_dns_down/config",
    "config_reference_missing",
    "dns_config_broken/a server that may be the node's own",
    "file_lock_held/by nobody that is left",
    "gateway_not_programmed/certificate",
    "host_port_conflict",
    "insufficient_memory",
    "insufficient_memory/beside a pool that is kept for others",
    "limit_range_violated",
    "mesh_policy_blocks/strict",
    "missing_service_account",
    "pod_affinity_mismatch",
    "pod_security_violation/scc",
    "pod_spec_invalid",
    "priority_class_missing",
    "rbac_denied",
    "rbac_denied/init",
    "quota_storage_exceeded/size unknown",
    "route_host_mismatch/listener",
    "route_host_mismatch/no listener",
    "runtime_class_missing",
    "too_many_pods",
    "too_many_pods/a rollout that may leave one out",
}


def diagnosed(key: str) -> Diagnosis:
    cluster = Cluster(1)
    for _ in range(3):
        cluster.app()
    FAULTS[key](cluster, cluster.app())
    return diagnose(cluster.bundle())


def test_every_class_with_plans_asks_for_its_cause() -> None:
    assert without_question() == []


def test_every_question_says_what_it_asks() -> None:
    silent = [
        name for name, cause in CAUSES.items() if not cause.asks.startswith(("Whether", "For"))
    ]
    assert silent == []


def test_the_page_shows_every_question() -> None:
    assert (ROOT / "docs" / "proof-of-plans.md").read_text("utf-8") == page()


@pytest.mark.parametrize("key", ASKED)
def test_a_fault_stands_in_the_objects_and_none_of_its_plans_leaves_it_there(key: str) -> None:
    found = diagnosed(key)
    first = found.findings[0]
    if first.failure_class != key.partition("/")[0]:
        pytest.skip("another cause comes first")
    ask = CAUSES[first.failure_class]
    before = ask(first, found.view).answer
    assert before == "yes" or key in UNSHOWN
    for plan in propose(found).plans:
        state = counterfactual(found.view, plan.kubernetes_changes)
        after = ask(first, state).answer
        assert after != "yes"
        proven = (before, after) == ("yes", "no")
        assert plan.repairs.verdict == ("pass" if proven else "unknown")
        assert plan.repairs.reason


@pytest.mark.parametrize("seed", range(5))
def test_healthy_applications_have_no_fault_that_declarations_show(seed: int) -> None:
    cluster = Cluster(seed)
    for _ in range(4):
        cluster.app()
    view = ClusterView(cluster.bundle())
    assert faults(view, view.workloads) == []
