"""A plan that is said to repair does: every demand, every key of a quota, what was seen to answer and nothing that it says itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from decide.core.diagnosis import diagnose
from decide.core.planning import ProposedPlans, propose
from decide.core.proof.access import loosened
from decide.core.proof.counterfactual import counterfactual
from decide.core.proof.proving import prove
from decide.core.view import ClusterView
from manifests.objects import changes as typed
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster, Obj

_REQUEST, _LIMIT = {"requests.cpu": "200m"}, {"limits.cpu": "300m"}


def ground() -> tuple[Cluster, str]:
    cluster = Cluster(9)
    cluster.app("bystander")
    return cluster, cluster.app("shop")


def spec_of(cluster: Cluster, app: str) -> Obj:
    found: Obj = cluster.get("deployments", app)["spec"]["template"]["spec"]
    return found


def proposed(cluster: Cluster, class_id: str) -> ProposedPlans:
    found = diagnose(cluster.bundle())
    assert found.findings[0].failure_class == class_id
    return propose(found)


def short_of(hard: dict[str, str], used: dict[str, str], asked: dict[str, str]) -> ProposedPlans:
    """A namespace whose one quota refuses all three pods of an application."""
    cluster, app = ground()
    cluster.get("deployments", app)["spec"]["replicas"] = 3
    cluster.add(
        "resourcequotas",
        "most",
        kind="ResourceQuota",
        spec={"hard": hard},
        status={"hard": hard, "used": used},
    )

    def told(amounts: dict[str, str]) -> str:
        return ",".join(f"{key}={amounts[key]}" for key in asked)

    refusal = (
        f"exceeded quota: most, requested: {told(asked)}, used: {told(used)}, limited: {told(hard)}"
    )
    cluster.refused(app, refusal)
    return proposed(cluster, "quota_cpu_exceeded")


@pytest.mark.parametrize(
    ("hard", "used", "asked", "raised"),
    [
        (
            {"cpu": "200m", "requests.cpu": "200m"},
            {"cpu": "150m", "requests.cpu": "150m"},
            {"cpu": "100m", "requests.cpu": "100m"},
            {"spec.hard.cpu", "spec.hard['requests.cpu']"},
        ),
        (
            _REQUEST | _LIMIT,
            {"requests.cpu": "150m", "limits.cpu": "200m"},
            {"limits.cpu": "200m"},
            {"spec.hard['limits.cpu']", "spec.hard['requests.cpu']"},
        ),
        (
            {"cpu": "200m", "limits.memory": "200Mi", "pods": "2"},
            {"cpu": "150m", "limits.memory": "128Mi", "pods": "1"},
            {"cpu": "100m"},
            {"spec.hard.cpu", "spec.hard['limits.memory']", "spec.hard.pods"},
        ),
    ],
    ids=["both names of a request", "requests behind limits", "memory and pods behind cpu"],
)
def test_every_key_of_a_quota_that_has_no_room_for_the_rollout_is_raised(
    hard: dict[str, str], used: dict[str, str], asked: dict[str, str], raised: set[str]
) -> None:
    (plan,) = short_of(hard, used, asked).plans
    assert {field.path for c in plan.kubernetes_changes for field in c.fields} == raised
    assert plan.repairs.verdict == "pass"
    assert plan.repairs.remains == ()


_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def refused_by_standard(demands: str, pod: Obj, container: Obj) -> ProposedPlans:
    cluster, app = ground()
    spec = spec_of(cluster, app)
    spec["securityContext"] = pod
    spec["containers"][0]["securityContext"] = container
    cluster.refused(app, f'violates PodSecurity "restricted:latest": {demands}')
    return proposed(cluster, "pod_security_violation")


_ESCALATES = 'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false)'
_ROOT = 'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true)'
_POD_ROOT = "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)"


def test_settings_that_no_image_can_break_are_a_proven_repair() -> None:
    kept = {k: v for k, v in _RESTRICTED.items() if k != "allowPrivilegeEscalation"}
    (plan,) = refused_by_standard(_ESCALATES, {}, kept).plans
    assert plan.repairs.verdict == "pass"


@pytest.mark.parametrize(("user", "verdict"), [(None, "unknown"), (0, "unknown"), (1000, "pass")])
def test_whether_an_image_runs_as_root_is_known_where_the_template_names_a_user(
    user: int | None, verdict: str
) -> None:
    kept = {k: v for k, v in _RESTRICTED.items() if k != "runAsNonRoot"}
    own = kept if user is None else {**kept, "runAsUser": user}
    plans = refused_by_standard(_ROOT, {}, own).plans
    assert [plan.repairs.verdict for plan in plans] == [verdict]


def test_what_the_pod_itself_says_is_mended_too() -> None:
    pod = {"runAsNonRoot": False, "runAsUser": 1000}
    (plan,) = refused_by_standard(_POD_ROOT, pod, _RESTRICTED).plans
    ((field,),) = [change.fields for change in plan.kubernetes_changes]
    assert (field.path, field.after) == ("spec.template.spec.securityContext.runAsNonRoot", True)
    assert plan.repairs.verdict == "pass"


@pytest.mark.parametrize(
    ("demand", "container"),
    [
        (
            'procMount (container "main" must not set securityContext.procMount to "Unmasked")',
            {"procMount": "Unmasked"},
        ),
        (
            'seLinuxOptions (container "main" set forbidden securityContext.seLinuxOptions: type "spc_t")',
            {"seLinuxOptions": {"type": "spc_t"}},
        ),
        (
            'forbidden AppArmor profile (container "main" must not set AppArmor profile type to "Unconfined")',
            {"appArmorProfile": {"type": "Unconfined"}},
        ),
    ],
)
def test_a_demand_that_the_plan_leaves_broken_is_no_repair(demand: str, container: Obj) -> None:
    kept = {k: v for k, v in _RESTRICTED.items() if k != "allowPrivilegeEscalation"}
    found = refused_by_standard(f"{demand}, {_ESCALATES}", {}, {**kept, **container})
    assert found.plans == ()


def test_a_demand_that_nobody_here_knows_is_no_proven_repair() -> None:
    kept = {k: v for k, v in _RESTRICTED.items() if k != "allowPrivilegeEscalation"}
    found = refused_by_standard(f"newDemand (pod must not), {_ESCALATES}", {}, kept)
    assert [plan.repairs.verdict for plan in found.plans] == ["unknown"]


def probed(readiness: Obj, liveness: Obj, said: str) -> tuple[Cluster, str]:
    cluster, app = ground()
    for spec in (cluster.pod(app)["spec"], spec_of(cluster, app)):
        main = spec["containers"][0]
        main |= {
            "readinessProbe": readiness,
            "livenessProbe": liveness,
            "ports": [{"name": "api", "containerPort": 8443}],
        }
    cluster.stopped(app)
    cluster.event(
        "Pod",
        cluster.pod(app)["metadata"]["name"],
        "Unhealthy",
        f"Readiness probe failed: {said}",
        count=9,
    )
    return cluster, app


_NOT_GRPC = 'error: health rpc probe failed: rpc error: code = Unavailable desc = connection error: desc = "error reading server preface: http2: frame too large"'


def patched(app: str, namespace: str, **probes: Obj) -> list[KubernetesChange]:
    ref = ObjectRef(api_version="apps/v1", kind="Deployment", namespace=namespace, name=app)
    main = "spec.template.spec.containers[name=main]"
    fields = tuple(
        FieldChange(op="replace", path=f"{main}.{name}", before={}, after=probe)
        for name, probe in probes.items()
    )
    return [KubernetesChange(object=ref, fields=fields)]


def test_a_probe_that_a_plan_changes_is_no_witness_of_what_is_answered() -> None:
    page: Obj = {"httpGet": {"path": "/healthz", "port": "api"}}
    cluster, app = probed({"grpc": {"port": 8443}}, page, _NOT_GRPC)
    found = diagnose(cluster.bundle())
    first = found.findings[0]
    assert first.failure_class == "readiness_probe_protocol"
    other: Obj = {"tcpSocket": {"port": 8443}}
    for witness, wanted, verdict in ((page, page, "pass"), (other, other, "unknown")):
        changes = patched(app, cluster.namespace, readinessProbe=wanted, livenessProbe=witness)
        assert prove(first, changes, found.view).verdict == verdict


def test_another_probe_that_fails_too_is_no_witness() -> None:
    page: Obj = {"httpGet": {"path": "/healthz", "port": 8443}}
    cluster, app = probed({"grpc": {"port": 8443}}, page, _NOT_GRPC)
    name = cluster.pod(app)["metadata"]["name"]
    cluster.event(
        "Pod", name, "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 404"
    )
    found = diagnose(cluster.bundle())
    first = next(f for f in found.findings if f.failure_class == "readiness_probe_protocol")
    changes = patched(app, cluster.namespace, readinessProbe=page)
    assert prove(first, changes, found.view).verdict == "unknown"


def resolving(servers: list[str], **spec: Any) -> ProposedPlans:
    cluster, app = ground()
    for one in (cluster.pod(app)["spec"], spec_of(cluster, app)):
        one |= {"dnsPolicy": "None", "dnsConfig": {"nameservers": servers}, **spec}
    cluster.crashed(app, 1, "getaddrinfo EAI_AGAIN bystander")
    return proposed(cluster, "dns_config_broken")


def test_pods_in_their_nodes_network_get_the_policy_that_asks_the_cluster_there() -> None:
    plan = resolving(["198.51.100.1"], hostNetwork=True).plans[0]
    policy = next(
        field.after
        for change in plan.kubernetes_changes
        for field in change.fields
        if field.path.endswith("dnsPolicy")
    )
    assert policy == "ClusterFirstWithHostNet"
    assert plan.repairs.verdict == "pass"


def test_a_server_that_may_be_the_clusters_own_is_not_known_to_be_the_cause() -> None:
    assert resolving(["169.254.20.10"]).plans[0].repairs.verdict == "unknown"
    assert resolving(["198.51.100.1"]).plans[0].repairs.verdict == "pass"


def test_the_state_after_a_plan_has_every_field_of_it() -> None:
    cluster, app = ground()
    view = diagnose(cluster.bundle()).view
    probe: Obj = {"tcpSocket": {"port": 1}}
    after = counterfactual(view, patched(app, cluster.namespace, readinessProbe=probe))
    found = after.workload("Deployment", cluster.namespace, app)
    assert found is not None
    assert found.containers()[0].spec["readinessProbe"] == probe


@pytest.mark.parametrize(
    ("spaces", "verdict"),
    [(("own", "kube-system", "default"), "pass"), (("own", "kube-system", "others"), "unknown")],
    ids=["all pods of the cluster", "a namespace whose pods were not read"],
)
def test_room_on_nodes_is_proven_where_everything_that_runs_there_was_read(
    spaces: tuple[str, ...], verdict: str
) -> None:
    cluster, app = ground()
    FAULTS["insufficient_cpu"](cluster, app)
    cluster.objects.setdefault("namespaces", [])[:] = [
        {"kind": "Namespace", "metadata": {"name": cluster.namespace if space == "own" else space}}
        for space in spaces
    ]
    system = {"name": "dns", "namespace": "kube-system"}
    cluster.objects["pods"].append({"kind": "Pod", "metadata": system, "spec": {"containers": []}})
    first, *_ = proposed(cluster, "insufficient_cpu").plans
    assert first.fix_kind == "set_cpu"
    assert first.repairs.verdict == verdict


def unspread(ready: int) -> ProposedPlans:
    """Three pods wanted by a spread over zones that no node meets; ``ready`` of them found a place."""
    cluster, app = ground()
    rule = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": app}},
    }
    for spec in (cluster.pod(app)["spec"], spec_of(cluster, app)):
        spec["topologySpreadConstraints"] = [rule]
    cluster.get("deployments", app)["spec"]["replicas"] = 3
    running = [json.loads(json.dumps(cluster.pod(app))) for _ in range(ready)]
    cluster.unschedulable(
        app, "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints."
    )
    for n, pod in enumerate(running):
        pod["metadata"]["name"] = f"{app}-placed-{n}"
        cluster.objects["pods"].append(pod)
    cluster.get("deployments", app)["status"]["readyReplicas"] = ready
    return proposed(cluster, "topology_spread_unsatisfied")


def test_fewer_replicas_give_up_what_is_declared_and_come_after_the_proven_wish() -> None:
    wish, fewer, *others = unspread(2).plans
    assert (wish.fix_kind, fewer.fix_kind) == ("set_scheduling", "set_replicas")
    assert (fewer.repairs.verdict, fewer.repairs.loosens) == ("pass", ("spec.replicas",))
    assert "3 replicas" in fewer.risks[0]
    assert fewer.confidence <= wish.confidence
    assert all(plan.repairs.verdict != "pass" for plan in others), "what is not proven comes last"
    for plan in (wish, *others):
        assert plan.repairs.loosens
        assert "zone" in plan.risks[0]


@pytest.mark.parametrize(("before", "after", "loosens"), [(4, 2, True), (2, 4, False)])
def test_fewer_replicas_are_less_than_was_required(before: int, after: int, loosens: bool) -> None:
    field = FieldChange(op="replace", path="spec.replicas", before=before, after=after)
    ref = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="web")
    assert bool(list(loosened([KubernetesChange(object=ref, fields=(field,))]))) is loosens


def test_a_plan_that_leaves_everything_as_it_is_never_repairs() -> None:
    cluster, app = ground()
    view = ClusterView(cluster.bundle())
    image = cluster.container(app)["image"]
    path = "spec.template.spec.containers[name=main].image"
    field = FieldChange(op="replace", path=path, before=image, after=image)
    ref = ObjectRef(api_version="apps/v1", kind="Deployment", namespace=cluster.namespace, name=app)
    proof = prove(None, [KubernetesChange(object=ref, fields=(field,))], view)
    assert proof.verdict == "fail"
    assert "as it is now" in proof.reason


def test_a_wider_spread_and_a_wish_both_say_that_they_loosen() -> None:
    assert all(plan.repairs.loosens for plan in unspread(0).plans)


@pytest.mark.parametrize(
    ("path", "before", "after", "loosens"),
    [
        ("topologySpreadConstraints[0].maxSkew", 1, 2, True),
        ("topologySpreadConstraints[0].maxSkew", 2, 1, False),
        ("topologySpreadConstraints[0].minDomains", 5, 3, False),
        ("nodeSelector.disk", "ssd", None, True),
        ("nodeSelector.disk", "sdd", "ssd", False),
        ("affinity", {"nodeAffinity": {}}, None, True),
    ],
)
def test_what_loosens_a_schedulers_requirement(
    path: str, before: Any, after: Any, loosens: bool
) -> None:
    field = FieldChange(
        op="remove" if after is None else "replace",
        path=f"spec.template.spec.{path}",
        before=before,
        after=after,
    )
    ref = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="web")
    assert bool(list(loosened([KubernetesChange(object=ref, fields=(field,))]))) is loosens


def apart(*, own: bool) -> ProposedPlans:
    """Pods that must be apart from their own kind, or from the bystander; ``own``: those that run demand it as well."""
    cluster, app = ground()
    term = {
        "labelSelector": {"matchLabels": {"app": app if own else "bystander"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    demand = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    spec_of(cluster, app)["affinity"] = demand
    running = json.loads(json.dumps(cluster.pod(app)))
    cluster.pod(app)["spec"]["affinity"] = demand
    cluster.unschedulable(
        app, "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."
    )
    if own:
        running["metadata"]["name"] = f"{app}-old"
        running["spec"]["affinity"] = demand
        cluster.objects["pods"].append(running)
        cluster.get("deployments", app)["spec"]["replicas"] = 2
    return proposed(cluster, "pod_anti_affinity_conflict")


def test_a_wish_to_be_apart_is_proven_where_no_pod_that_runs_demands_it() -> None:
    (wish,) = apart(own=False).plans
    assert wish.repairs.verdict == "pass"
    fewer, wish = apart(own=True).plans
    assert (fewer.fix_kind, fewer.repairs.verdict) == ("set_replicas", "pass")
    assert wish.repairs.verdict == "unknown"


@pytest.mark.parametrize(
    ("path", "op", "before", "after"),
    [
        ("containers[0]", "add", None, {"name": "first", "image": "registry.example/first:1"}),
        ("containers[1]", "add", None, {"name": "last", "image": "registry.example/last:1"}),
        ("containers[0].ports[0]", "add", None, {"containerPort": 9100}),
        ("containers[0].ports[0]", "remove", {"containerPort": 8443}, None),
        ("containers[name=main].ports[0].containerPort", "replace", 8443, 9100),
    ],
)
def test_an_item_that_is_added_stands_where_the_edit_puts_it(
    path: str, op: Any, before: Any, after: Any
) -> None:
    cluster, app = ground()
    spec_of(cluster, app)["containers"][0]["ports"] = [{"containerPort": 8443}]
    field = FieldChange(op=op, path=f"spec.template.spec.{path}", before=before, after=after)
    ref = ObjectRef(api_version="apps/v1", kind="Deployment", namespace=cluster.namespace, name=app)
    view = diagnose(cluster.bundle()).view
    state = counterfactual(view, [KubernetesChange(object=ref, fields=(field,))])
    edited = typed.apply([field], cluster.get("deployments", app))
    assert state.get("deployments", cluster.namespace, app) == edited
