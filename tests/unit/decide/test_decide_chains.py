"""Several sick workloads in a chain of calls: whoever calls crashes over the one behind, and the last one's own cause comes first."""

from __future__ import annotations

import itertools

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster

#: Faults that stand where nobody calls: they are no cause of the callers' trouble.
BESIDE = frozenset(
    {
        "controller_manager_unavailable/lease",
        "cron_not_starting",
        "cron_suspended",
        "finalizer_stuck",
        "gateway_not_programmed/certificate",
        "gateway_not_programmed/class",
        "job_deadline_exceeded",
        "job_failing",
        "missing_env/job",
        "route_host_mismatch/listener",
    }
)
#: Signs of it are too weak to stand against a crash.
WEAK = "readiness_probe_timing"


def first(verdict: Verdict) -> tuple[str, str]:
    assert verdict.analysis is not None
    return verdict.analysis.failure_class, verdict.analysis.object.name


def chain(cluster: Cluster, length: int) -> list[str]:
    """Applications of which each calls the next."""
    names = [cluster.app() for _ in range(length)]
    for caller, callee in itertools.pairwise(names):
        cluster.calls(caller, callee)
    return names


def suffer(cluster: Cluster, names: list[str]) -> None:
    """Everybody but the last crashes over the next."""
    for caller, callee in itertools.pairwise(names):
        cluster.crashed(caller, 1, f"dial tcp {callee}:80: connect: connection refused")


@pytest.mark.parametrize("key", sorted(FAULTS))
@pytest.mark.parametrize("alert", ["names the first", "names nobody"])
def test_the_cause_at_the_end_of_a_chain_comes_before_those_who_suffer_from_it(
    key: str, alert: str
) -> None:
    cluster = Cluster(7)
    names = chain(cluster, 3)
    cluster.app()
    told = FAULTS[key](cluster, names[-1]) or names[-1]
    suffer(cluster, names)
    verdict = diagnose(cluster.bundle(names[0] if alert == "names the first" else ""))
    if key == WEAK or (key in BESIDE and alert == "names the first"):
        assert (verdict.status, verdict.plans) == ("needs_human", ())
        return
    assert first(verdict) == (key.partition("/")[0], told)


@pytest.mark.parametrize("length", [2, 3, 5])
def test_a_chain_may_be_long(length: int) -> None:
    cluster = Cluster(8)
    names = chain(cluster, length)
    cluster.crashed(names[-1], 137, reason="OOMKilled")
    suffer(cluster, names)
    assert first(diagnose(cluster.bundle(names[0]))) == ("oom_killed", names[-1])


def test_of_two_chains_the_alerts_own_is_answered() -> None:
    cluster = Cluster(9)
    chains = [chain(cluster, 3), chain(cluster, 3)]
    for names in chains:
        cluster.crashed(names[-1], 137, reason="OOMKilled")
        suffer(cluster, names)
    for names in chains:
        verdict = diagnose(cluster.bundle(names[0]))
        assert first(verdict) == ("oom_killed", names[-1])
        changed = {c.object.name for p in verdict.plans for c in p.kubernetes_changes}
        assert changed == {names[-1]}


def test_a_caller_with_a_cause_of_its_own_keeps_it() -> None:
    cluster = Cluster(10)
    names = chain(cluster, 2)
    cluster.crashed(names[0], 137, reason="OOMKilled")
    cluster.crashed(names[1], 137, reason="OOMKilled")
    for name in names:
        assert first(diagnose(cluster.bundle(name))) == ("oom_killed", name)
