"""Plans: preconditions, inverses, sizes, history. Nothing that protects is ever removed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core import diagnose
from decide.core.drafting import sizing
from decide.core.drafting.heaps import Heap
from decide.core.families.registry import BUILDERS
from decide.core.measure import Usage
from decide.core.taxonomy import CLASSES
from enrich.core.objects import plural_of
from manifests.objects import changes, quantities
from schemas.context import Pattern
from schemas.plans import ActionPlan
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster

MIB = 2**20
_GUARDS = (
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "limits",
    "securityContext",
    "networkpolicies",
)


def _plans(class_id: str, seed: int = 21) -> tuple[Cluster, tuple[ActionPlan, ...]]:
    cluster = Cluster(seed)
    for _ in range(4):
        cluster.app()
    app = cluster.app()
    FAULTS[class_id](cluster, app)
    return cluster, diagnose(cluster.bundle()).plans


@pytest.mark.parametrize("class_id", sorted(FAULTS))
def test_plans_apply_to_what_they_saw_and_their_inverse_takes_them_back(class_id: str) -> None:
    cluster, plans = _plans(class_id)
    for plan in plans:
        for change, inverse in zip(
            plan.kubernetes_changes, reversed(plan.rollback_changes), strict=True
        ):
            if change.action == "create":
                assert inverse.action == "delete"
                continue
            live = cluster.get(plural_of(change.object.kind), change.object.name)
            kind, name = change.object.kind, change.object.name
            live = next(
                (d for d in cluster.declared if (d["kind"], d["metadata"]["name"]) == (kind, name)),
                live,
            )
            after = changes.apply(change.fields, live)
            assert after != live
            assert changes.apply(inverse.fields, after) == live


@pytest.mark.parametrize("class_id", sorted(FAULTS))
def test_no_plan_removes_a_guard(class_id: str) -> None:
    _, plans = _plans(class_id)
    removed = [
        f.path for p in plans for c in p.kubernetes_changes for f in c.fields if f.op == "remove"
    ]
    assert not [path for path in removed if any(guard in path for guard in _GUARDS)]
    assert all(c.action in ("patch", "create") for p in plans for c in p.kubernetes_changes)


@pytest.mark.parametrize("class_id", sorted(FAULTS))
def test_plans_are_ranked_and_explained(class_id: str) -> None:
    _, plans = _plans(class_id)
    assert [p.priority for p in plans] == list(range(1, len(plans) + 1))
    assert len({p.changes_hash for p in plans}) == len(plans) <= 3
    for plan in plans:
        assert plan.justification
        assert plan.evidence
        assert plan.rollback_plan


@pytest.mark.parametrize(
    "class_id",
    [
        "autoscaler_conflict/vertical",
        "autoscaler_target_missing",
        "autoscaler_without_metrics",
        "bad_rollout/crash",
        "bad_rollout/latency",
        "certificate_secret_missing",
        "cron_suspended",
        "disruption_budget_blocks",
        "ephemeral_storage_exceeded",
        "heap_exhausted",
        "job_deadline_exceeded",
        "limit_range_violated/minimum",
        "load_surge",
        "mesh_policy_blocks/denied",
        "mesh_policy_blocks/injected",
        "mesh_policy_blocks/subset",
        "network_policy_blocks/all",
        "network_policy_blocks/egress",
        "network_policy_blocks/ingress",
        "network_policy_blocks/names",
        "network_policy_blocks/port",
        "noisy_neighbour",
        "pod_security_violation",
        "pvc_missing",
        "quota_needs_values",
        "rollout_stuck",
        "route_backend_mismatch/http route",
        "route_backend_mismatch/ingress port",
        "route_backend_mismatch/ingress service",
        "route_host_mismatch/class",
        "scheduler_unknown",
        "topology_spread_unsatisfied",
        "volume_multi_attach",
        "volume_permission_denied",
    ],
)
def test_what_a_manifest_can_mend_has_a_plan(class_id: str) -> None:
    _, plans = _plans(class_id)
    assert plans


def test_a_builder_belongs_to_a_class_that_says_so() -> None:
    assert set(BUILDERS) <= set(CLASSES)
    assert [c for c in BUILDERS if not CLASSES[c].plans] == []


def test_the_declared_value_is_the_precondition() -> None:
    cluster = Cluster(22)
    app = cluster.app()
    FAULTS["oom_killed"](cluster, app)
    declared = changes.apply((), cluster.get("deployments", app))
    declared["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "100Mi"
    cluster.declared.append(declared)
    plan = diagnose(cluster.bundle()).plans[0]
    assert {f.before for c in plan.kubernetes_changes for f in c.fields if "limits" in f.path} == {
        "100Mi"
    }


def test_a_repository_that_declares_the_remedy_means_drift() -> None:
    cluster = Cluster(23)
    cluster.app()
    app = cluster.app()
    cluster.declared.append(changes.apply((), cluster.get("deployments", app)))
    FAULTS["zero_replicas"](cluster, app)
    verdict = diagnose(cluster.bundle())
    assert (verdict.status, verdict.reason, verdict.plans) == (
        "needs_human",
        "outside_manifests",
        (),
    )
    assert "drifted" in verdict.explanation


def test_memory_follows_the_measured_peak() -> None:
    cluster = Cluster(24)
    app = cluster.app()
    FAULTS["oom_killed"](cluster, app)
    cluster.series("kubernetes.memory.usage", [180.0 * MIB] * 40, kube_deployment=app)
    plan = diagnose(cluster.bundle()).plans[0]
    assert {f.after for c in plan.kubernetes_changes for f in c.fields} == {
        "240Mi"
    }  # 180 MiB + 25 %, in steps of 16


def _usage(values: list[float]) -> Usage:
    """One instance, a sample a minute."""
    return Usage((tuple((60.0 * n, value) for n, value in enumerate(values)),))


def test_thin_data_fall_back_to_a_documented_step() -> None:
    size = sizing.memory(_usage([100.0 * MIB] * 3), 128.0 * MIB, None, killed=True)
    assert size is not None
    assert (size.limit / MIB, size.measured) == (240, False)
    assert sizing.memory(Usage(), None, None, killed=True) is None
    assert sizing.cpu(Usage(), None, None) is None


def test_a_jvm_gets_room_for_its_heap() -> None:
    heap = Heap("-Xmx", 768.0 * MIB, 0.75)
    size = sizing.memory(Usage(), 512.0 * MIB, heap, killed=True)
    assert size is not None
    assert size.limit / MIB == 1024


@given(
    st.lists(st.floats(1e-4, 64, allow_nan=False), max_size=60),
    st.none() | st.floats(0.01, 8),
    st.none() | st.floats(0.01, 8),
)
def test_cpu_sizes_are_sane(
    samples: list[float], request: float | None, limit: float | None
) -> None:
    size = sizing.cpu(_usage(samples), request, limit)
    if size is not None:
        assert 0.01 <= size.request <= size.limit <= 16.05


@given(
    st.lists(st.floats(MIB, 2**36), max_size=60), st.none() | st.floats(MIB, 2**33), st.booleans()
)
def test_memory_sizes_are_sane(samples: list[float], limit: float | None, killed: bool) -> None:
    size = sizing.memory(_usage(samples), limit, None, killed=killed)
    if size is not None:
        assert 32 * MIB <= size.limit <= 2**35
        assert size.request == size.limit


def test_history_puts_what_failed_last() -> None:
    cluster = Cluster(25)
    app = cluster.app()
    FAULTS["cpu_throttling"](cluster, app)
    first = diagnose(cluster.bundle()).plans
    failed = Pattern(
        incident_id="inc-1",
        failure_class="cpu_throttling",
        fix_kind=first[0].fix_kind,
        object_key=f"Deployment/{cluster.namespace}/{app}",
        changes_hash=first[0].changes_hash,
        result="failure",
    )
    again = diagnose(cluster.bundle().model_copy(update={"failed_patterns": (failed,)})).plans
    assert again[0].changes_hash == first[1].changes_hash
    worked = failed.model_copy(update={"result": "success"})
    better = diagnose(cluster.bundle().model_copy(update={"successful_patterns": (worked,)})).plans
    assert better[0].confidence > first[0].confidence


@pytest.mark.parametrize(("place", "counts"), [("prod-eu", True), ("", True), ("prod-us", False)])
def test_what_failed_at_a_workload_of_the_same_name_in_another_cluster_is_not_held_against_it(
    place: str, counts: bool
) -> None:
    cluster = Cluster(25)
    app = cluster.app()
    FAULTS["cpu_throttling"](cluster, app)
    bundle = cluster.bundle()
    context = bundle.k8s_context.model_copy(update={"cluster": "prod-eu"})
    bundle = bundle.model_copy(update={"k8s_context": context})
    first = diagnose(bundle).plans[0]
    failed = Pattern(
        incident_id="inc-1",
        failure_class="cpu_throttling",
        fix_kind=first.fix_kind,
        object_key=f"Deployment/{cluster.namespace}/{app}",
        changes_hash="another change",
        result="failure",
        cluster=place,
    )
    again = diagnose(bundle.model_copy(update={"failed_patterns": (failed,)})).plans
    same = next(plan for plan in again if plan.changes_hash == first.changes_hash)
    assert (same.confidence < first.confidence) is counts


def test_series_as_datadog_answers_them_size_the_cpu() -> None:
    cluster = Cluster(26)
    app = cluster.app()
    scope = f"{{kube_cluster_name:c,kube_namespace:{cluster.namespace},kube_deployment:{app}}}"
    for metric, unit, value in (
        ("kubernetes.cpu.usage.total", "nanocore", 1.98e8),
        ("kubernetes.cpu.cfs.throttled.periods", "", 6.0),
        ("kubernetes.cpu.cfs.periods", "", 10.0),
    ):
        cluster.series(metric, [value] * 40, kube_container_name="main")
        named = cluster.metrics.pop()
        cluster.metrics.append(
            named.model_copy(
                update={
                    "query": f"avg:{metric}{scope} by {{kube_container_name}}",
                    "unit": unit,
                    "tags": {"kube_container_name": "main"},
                }
            )
        )
    verdict = diagnose(cluster.bundle(app))
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == "cpu_throttling"
    after = {
        f.path.rpartition("resources.")[2]: f.after
        for c in verdict.plans[0].kubernetes_changes
        for f in c.fields
    }
    assert after == {"requests.cpu": "300m", "limits.cpu": "600m"}


def _after(plans: tuple[ActionPlan, ...]) -> list[object]:
    return [f.after for p in plans for c in p.kubernetes_changes for f in c.fields]


@pytest.mark.parametrize(
    "class_id",
    [
        "node_selector_mismatch",
        "node_affinity_mismatch",
        "pod_anti_affinity_conflict",
        "scheduler_unknown",
        "dns_config_broken",
        "liveness_probe_port",
        "liveness_probe_timing",
        "startup_probe_timing",
        "autoscaler_without_metrics",
        "topology_spread_unsatisfied",
    ],
)
def test_a_fault_of_the_cluster_alone_is_drift(class_id: str) -> None:
    cluster = Cluster(51)
    cluster.app()
    app = cluster.app()
    container = cluster.container(app)
    container["resources"]["requests"]["cpu"] = "100m"
    cluster.declared.append(changes.apply((), cluster.get("deployments", app)))
    FAULTS[class_id](cluster, app)
    verdict = diagnose(cluster.bundle())
    assert (verdict.status, verdict.plans) == ("needs_human", ())
    assert "drifted" in verdict.explanation


def test_an_address_in_a_config_map_is_corrected_there() -> None:
    cluster = Cluster(52)
    other, app = cluster.app(), cluster.app()
    port = cluster.get("services", other)["spec"]["ports"][0]["port"]
    cluster.add("configmaps", "settings", kind="ConfigMap", data={"STORE_ADDR": f"{other}x:{port}"})
    cluster.container(app)["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    cluster.log(app, f"dial tcp: lookup {other}x on 10.0.0.10:53: no such host")
    plans = diagnose(cluster.bundle()).plans
    assert [
        (c.object.kind, f.path, f.after) for c in plans[0].kubernetes_changes for f in c.fields
    ] == [("ConfigMap", "data.STORE_ADDR", f"{other}:{port}")]


def test_the_registry_that_all_siblings_use_is_offered() -> None:
    cluster = Cluster(53)
    for _ in range(3):
        cluster.app()
    app = cluster.app(image="registri.example/x:1")
    cluster.waiting(
        app,
        "ErrImagePull",
        'failed to pull image "registri.example/x:1": dial tcp: lookup registri.example: no such host',
    )
    assert "registry.example/x:1" in _after(diagnose(cluster.bundle()).plans)


def test_one_missing_mapping_is_added_once_with_all_its_values() -> None:
    _, plans = _plans("quota_needs_values")
    added = [f for c in plans[0].kubernetes_changes for f in c.fields]
    assert len(added) == 1
    assert set(added[0].after["limits"]) == {"cpu", "memory"}  # type: ignore[index]


def test_a_request_that_fits_leaves_room_for_every_waiting_pod() -> None:
    cluster = Cluster(54)
    app = cluster.app()
    cluster.container(app)["resources"] = {"requests": {"memory": "64Gi"}}
    cluster.get("deployments", app)["spec"]["replicas"] = 6
    cluster.unschedulable(app, "0/3 nodes are available: 3 Insufficient memory.")
    text = str(_after(diagnose(cluster.bundle()).plans)[0])
    assert 2 * quantities.parse(text) <= quantities.parse("8Gi")  # two pods a node


def test_a_policy_gets_one_rule_more_and_loses_none() -> None:
    cluster, plans = _plans("network_policy_blocks/ingress")
    change = plans[0].kubernetes_changes[0]
    live = cluster.get("networkpolicies", change.object.name)
    after = changes.apply(change.fields, live)
    assert after["spec"]["ingress"][:-1] == live["spec"]["ingress"]
    assert after["spec"]["ingress"][-1]["from"][0]["podSelector"]["matchLabels"]
    assert plans[1].kubernetes_changes[0].action == "create"


@pytest.mark.parametrize("asked", ["", "2Gi"])
def test_a_quota_is_only_ever_raised_and_by_a_known_size(asked: str) -> None:
    cluster = Cluster(55)
    app = cluster.app()
    hard = {"requests.storage": "7Gi"}
    cluster.add(
        "resourcequotas",
        "q",
        kind="ResourceQuota",
        spec={"hard": hard},
        status={"hard": hard, "used": {"requests.storage": "6Gi"}},
    )
    cluster.get("deployments", app)["spec"]["template"]["spec"]["volumes"] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "wares"}}
    ]
    if asked:
        cluster.declared.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": "wares", "namespace": cluster.namespace},
                "spec": {"resources": {"requests": {"storage": asked}}},
            }
        )
    verdict = diagnose(cluster.bundle())
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == "quota_storage_exceeded"
    values = [quantities.parse(str(v)) for v in _after(verdict.plans)]
    assert all(v > quantities.parse("7Gi") for v in values)
    assert bool(values) == bool(asked)
