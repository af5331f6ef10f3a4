"""What the rules of refused pods, quotas and claims find, at which score, and where they stay silent."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.families.admission.rules import claims, quotas, refusals
from decide.core.view import ClusterView
from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.rules_say import everywhere, found, heads, shop, whole

_PODS = 'pods "web-1-" is forbidden: '


def _child(c: Cluster, app: str) -> str:
    return next(
        str(one["metadata"]["name"])
        for one in c.objects["replicasets"]
        if one["metadata"]["ownerReferences"][0]["name"] == app
    )


def _refuse(c: Cluster, app: str, *messages: str, reason: str = "FailedCreate") -> None:
    """Its pods are gone, and these are the controller's words, the oldest first."""
    c.objects["pods"] = [p for p in c.objects["pods"] if p["metadata"]["labels"]["app"] != app]
    for number, message in enumerate(messages):
        c.event("ReplicaSet", _child(c, app), reason, message)
        c.objects["events"][-1]["lastTimestamp"] = f"2026-05-04T11:0{number}:00Z"


_CLASS_OF = [
    ("error looking up service account shop/teller: not found", "missing_service_account"),
    ("failed quota: base: must specify limits.cpu", "quota_needs_values"),
    ('violates PodSecurity "restricted:latest": runAsNonRoot', "pod_security_violation"),
    ("unable to validate against any security context constraint", "pod_security_violation"),
    ('failed calling webhook "a.example.org": timeout', "webhook_unavailable"),
    ('failed to call webhook: Post "https://x"', "webhook_unavailable"),
    ('admission webhook "a.example.org" denied the request: no', "webhook_refused"),
    ("somebody denied the request", "webhook_refused"),
    ("ValidatingAdmissionPolicy 'a' with binding 'b' denied request", "webhook_refused"),
    ("maximum cpu usage per Container is 1, but limit is 2", "limit_range_violated"),
    ("minimum memory usage per Pod is 1Gi", "limit_range_violated"),
    ("cpu max limit to request ratio per Container is 4", "limit_range_violated"),
    ("no PriorityClass with name gold was found", "priority_class_missing"),
    ('pod rejected: RuntimeClass "gvisor" not found', "runtime_class_missing"),
    ('runtimeclass.node.k8s.io "gvisor" not found', "runtime_class_missing"),
    ("because it is being terminated", "namespace_terminating"),
    ('Pod "web" is invalid: spec.x: Invalid value', "pod_spec_invalid"),
]


@pytest.mark.parametrize(("message", "class_id"), _CLASS_OF)
def test_the_api_server_s_words_tell_the_class(message: str, class_id: str) -> None:
    c = shop("web", "cart")
    _refuse(c, "web", message)
    ref = "Deployment/shop/web"
    assert whole(refusals.find, c) == [
        f"0.95 {class_id} of {ref}",
        f"told: {message}",
        f"event {ref}: {message}",
        f"facts: RefusedPods account=, message={message}, workload=Deployment web",
    ]


@pytest.mark.parametrize("verb", ["create", "patch", "update", "get"])
def test_a_right_that_a_controller_lacks_is_none_of_the_workload_s(verb: str) -> None:
    c = shop("web", "cart")
    message = f'User "x" cannot {verb} resource "pods"'
    _refuse(c, "web", message)
    ref = "Deployment/shop/web"
    assert whole(refusals.find, c) == [
        f"0.95 rbac_denied of {ref}",
        f"told: {message}",
        f"event {ref}: {message}",
        "facts: DeniedRights denied=[], workload=Deployment web",
    ]


def test_what_nobody_knows_is_pods_not_created() -> None:
    c = shop("web")
    _refuse(c, "web", "the platform's own rule says no")
    ref = "Deployment/shop/web"
    assert whole(refusals.find, c) == [
        f"0.6 pods_not_created of {ref}",
        "told: the platform's own rule says no",
        f"event {ref}: the platform's own rule says no",
        "facts: Facts",
    ]


def test_a_message_of_two_kinds_is_told_by_the_first_that_fits() -> None:
    c = shop("web")
    _refuse(c, "web", 'failed calling webhook "x": it denied the request')
    assert heads(refusals.find, c) == ["0.95 webhook_unavailable of Deployment/shop/web"]


@pytest.mark.parametrize("plural", ["serviceaccount", "serviceaccounts"])
def test_an_account_that_came_since_is_told_with_what_stands_against_it(plural: str) -> None:
    c = shop("web")
    text = f'error looking up service account shop/teller: {plural} "teller" not found'
    _refuse(c, "web", text)
    assert whole(refusals.find, c)[-1] == (
        f"facts: RefusedPods account=teller, message={text}, workload=Deployment web"
    )
    c.objects["serviceaccounts"].append({"metadata": {"name": "teller", "namespace": "other"}})
    assert heads(refusals.find, c) == ["0.95 missing_service_account of Deployment/shop/web"]
    c.objects["serviceaccounts"].append({"metadata": {"name": "teller", "namespace": "shop"}})
    ref = "Deployment/shop/web"
    assert whole(refusals.find, c) == [
        f"0.45 pods_not_created of {ref}",
        f"told: {text}",
        f"event {ref}: {text}",
        "against: admission.account.exists_now",
        "facts: Facts",
    ]


def test_the_newest_refusal_is_told() -> None:
    c = shop("web")
    _refuse(c, "web", "because it is being terminated", "failed quota: base: must specify x")
    assert heads(refusals.find, c) == ["0.95 quota_needs_values of Deployment/shop/web"]


@pytest.mark.parametrize(
    ("reason", "told"),
    [("FailedCreate", True), ("ReplicaSetCreateError", True), ("FailedDelete", False)],
)
def test_only_events_of_refused_creations_are_read(reason: str, told: bool) -> None:
    c = shop("web")
    _refuse(c, "web", "because it is being terminated", reason=reason)
    assert len(heads(refusals.find, c)) == told


def _condition(c: Cluster, status: str = "True", kind: str = "ReplicaFailure") -> None:
    said = {"type": kind, "status": status, "message": "because it is being terminated"}
    c.get("deployments", "web")["status"]["conditions"].append(said)


def test_the_controller_s_condition_is_told_before_events_and_even_while_pods_are_there() -> None:
    c = shop("web")
    _condition(c, "False")
    assert heads(refusals.find, c) == []
    _condition(c)
    c.get("deployments", "web")["status"]["conditions"].pop(-2)
    assert heads(refusals.find, c) == ["0.95 namespace_terminating of Deployment/shop/web"]
    _refuse(c, "web", "failed quota: base: must specify x")
    assert heads(refusals.find, c) == ["0.95 namespace_terminating of Deployment/shop/web"]


@pytest.mark.parametrize(("desired", "told"), [(1, False), (2, True), (0, False)])
def test_events_count_only_while_pods_are_missing(desired: int, told: bool) -> None:
    c = shop("web")
    c.get("deployments", "web")["spec"]["replicas"] = desired
    c.event("ReplicaSet", _child(c, "web"), "FailedCreate", "because it is being terminated")
    assert len(heads(refusals.find, c)) == told


@pytest.mark.parametrize(("there", "told"), [(0, True), (1, False), (2, False)])
def test_without_pods_collected_the_controller_s_count_tells(there: int, told: bool) -> None:
    c = shop("web")
    _refuse(c, "web", "because it is being terminated")
    c.get("deployments", "web")["status"]["replicas"] = there
    assert len(heads(refusals.find, c)) == 1
    del c.objects["pods"]
    assert len(heads(refusals.find, c)) == told


def test_a_job_that_is_complete_and_a_bare_pod_miss_nothing() -> None:
    c = shop()
    job = c.add("jobs", "load", kind="Job", spec={}, status={"conditions": []})
    c.event("Job", "load", "FailedCreate", "because it is being terminated")
    assert heads(refusals.find, c) == ["0.95 namespace_terminating of Job/shop/load"]
    job["status"]["conditions"] = [{"type": "Complete", "status": "True"}]
    assert heads(refusals.find, c) == []
    c = shop()
    pod = c.add("pods", "bare", kind="Pod", spec={}, status={})
    pod["metadata"]["deletionTimestamp"] = "2026-05-04T11:00:00Z"
    c.event("Pod", "bare", "FailedCreate", "because it is being terminated")
    assert heads(refusals.find, c) == []


def test_nothing_is_refused_of_what_misses_nothing() -> None:
    c = shop("web")
    c.add("pods", "bare", kind="Pod", spec={}, status={})
    view = ClusterView(c.bundle())
    assert [refusals.refusals(view, workload) for workload in view.workloads] == [[], []]


def _quota(
    c: Cluster, name: str = "base", *, space: str = "shop", used: Obj | None = None, **hard: Any
) -> Obj:
    bounds = {key.replace("__", "/").replace("_", "."): value for key, value in hard.items()}
    spent = {key.replace("__", "/").replace("_", "."): v for key, v in (used or {}).items()}
    made = c.add(
        "resourcequotas",
        name,
        kind="ResourceQuota",
        spec={"hard": bounds},
        status={"hard": dict(bounds), "used": spent},
    )
    made["metadata"]["namespace"] = space
    return made


_OVER = "exceeded quota: base, requested: {}, used: {}, limited: {}"


def test_a_refusal_by_a_quota_is_told_at_the_quota_by_what_is_furthest_over() -> None:
    c = shop("web")
    _quota(c)
    c.get("deployments", "web")["spec"]["replicas"] = 3
    message = _PODS + _OVER.format(
        "limits.memory=1Gi,requests.cpu=500m",
        "limits.memory=1Gi,requests.cpu=900m",
        "limits.memory=2Gi,requests.cpu=1",
    )
    _refuse(c, "web", message)
    assert whole(refusals.find, c) == [
        "0.96 quota_cpu_exceeded of ResourceQuota/shop/base",
        "told: admission.quota.refused asked=500m, hard=1, resource=requests.cpu, used=900m,"
        " workload=Deployment/shop/web",
        f"event Deployment/shop/web: {message}",
        "facts: FullQuota asked=500m, hard=1, missing=3, quota=object base,"
        " resource=requests.cpu, used=900m, workload=Deployment web",
    ]
    assert found(refusals.find, c)[0].object.api_version == "v1"


def test_pods_that_are_there_are_not_missing() -> None:
    c = shop("web")
    c.get("deployments", "web")["spec"]["replicas"] = 3
    message = _OVER.format("pods=1", "pods=1", "pods=1")
    c.event("ReplicaSet", _child(c, "web"), "FailedCreate", message)
    assert [one.facts.missing for one in found(refusals.find, c)] == [2]


def test_a_refusal_by_a_quota_that_was_not_collected_is_told_without_it() -> None:
    c = shop("web")
    _quota(c, "another")
    _refuse(c, "web", _OVER.format("pods=1", "pods=2", "pods=2"))
    lines = whole(refusals.find, c)
    assert lines[0] == "0.96 quota_pods_exceeded of ResourceQuota/shop/base"
    assert lines[-1] == (
        "facts: FullQuota asked=1, hard=2, missing=1, resource=pods, used=2,"
        " workload=Deployment web"
    )


@pytest.mark.parametrize(
    ("asked", "used", "hard", "worst"),
    [
        ("pods=1,requests.cpu=1", "pods=1,requests.cpu=9", "pods=1,requests.cpu=9", "pods"),
        ("requests.cpu=1,pods=1", "pods=9,requests.cpu=1", "pods=9,requests.cpu=1", "requests.cpu"),
        ("pods=1,requests.cpu=1", "requests.cpu=0", "requests.cpu=100,pods=1", "pods"),
        ("pods=1,requests.cpu=1", "pods=0,requests.cpu=0", "requests.cpu=9,pods=0", "pods"),
        ("pods=1", "none", "requests.cpu=9, pods=2", "pods"),
        ("pods=odd, requests.cpu=1", "none", "pods=1, requests.cpu=9", "requests.cpu"),
        ("services=0", "services=0", "pods=2, services=3", "pods"),  # the first of equals
        ("nothing", "nothing", "nothing", "objects"),
        ("pods=1", "pods=1", "nothing", "objects"),
    ],
)
def test_the_worst_bound_is_the_one_furthest_over_for_its_size(
    asked: str, used: str, hard: str, worst: str
) -> None:
    c = shop("web")
    _refuse(c, "web", _OVER.format(asked, used, hard))
    (one,) = found(refusals.find, c)
    assert one.facts.resource == worst
    assert one.failure_class == f"quota_{quotas.quota_family(worst)}_exceeded"


def test_amounts_that_a_refusal_leaves_out_are_told_as_unknown() -> None:
    c = shop("web")
    _refuse(c, "web", _OVER.format("x", "x", "pods=2"))
    lines = whole(refusals.find, c)
    assert "asked=?, hard=2, resource=pods, used=?" in lines[1]
    assert lines[-1].startswith("facts: FullQuota asked=, hard=2, missing=1, resource=pods, used=,")
    c = shop("web")
    _refuse(c, "web", _OVER.format("x", "x", "x"))
    lines = whole(refusals.find, c)
    assert "asked=?, hard=?, resource=objects, used=?" in lines[1]
    assert lines[-1].startswith("facts: FullQuota asked=, hard=, ")


@pytest.mark.parametrize(
    ("resource", "family"),
    [
        ("requests.storage", "storage"),
        ("gold.storageclass.storage.k8s.io/requests.storage", "storage"),
        ("requests.ephemeral-storage", "storage"),
        ("persistentvolumeclaims", "storage"),
        ("count/persistentvolumeclaims", "storage"),
        ("cpu", "cpu"),
        ("limits.cpu", "cpu"),
        ("memory", "memory"),
        ("requests.memory", "memory"),
        ("pods", "pods"),
        ("count/pods", "pods"),
        ("count/pods.x", "objects"),
        ("services", "services"),
        ("count/services", "services"),
        ("services.loadbalancers", "services"),
        ("services.nodeports", "services"),
        ("count/jobs.batch", "objects"),
        ("configmaps", "objects"),
        ("cpu.x", "objects"),
    ],
)
def test_a_resource_belongs_to_the_class_of_what_it_counts(resource: str, family: str) -> None:
    assert quotas.quota_family(resource) == family


def _service(c: Cluster, name: str = "cart", space: str = "shop") -> None:
    metadata = {"name": name, "namespace": space}
    c.declared.append({"apiVersion": "v1", "kind": "Service", "metadata": metadata})


def test_a_declared_service_that_a_full_quota_keeps_out_is_told_at_the_quota() -> None:
    c = shop("web")
    _quota(c, used={"services": "1"}, services="1")
    _service(c)
    text = (
        "admission.quota.service_declared hard=1, quota=base, resource=services, service=cart,"
        " used=1"
    )
    assert whole(quotas.find_services, c) == [
        "0.93 quota_services_exceeded of ResourceQuota/shop/base",
        f"told: {text}",
        f"object: {text}",
        "facts: FullQuota asked=1, hard=1, missing=1, quota=object base, resource=services, used=1",
    ]


@pytest.mark.parametrize(
    ("used", "hard", "told"), [("1", "2", False), ("2", "2", True), ("3", "2", True)]
)
def test_a_quota_is_full_when_as_much_is_used_as_it_allows(
    used: str, hard: str, told: bool
) -> None:
    c = shop("web")
    _quota(c, used={"services": used}, services=hard)
    _service(c)
    assert len(heads(quotas.find_services, c)) == told


def test_a_declared_service_that_exists_or_stands_elsewhere_is_not_missed() -> None:
    c = shop("web")
    _quota(c, used={"services": "1"}, services="1")
    _service(c, "web")
    _service(c, "cart", "other")
    c.declared.append({"kind": "ConfigMap", "metadata": {"name": "cart", "namespace": "shop"}})
    assert heads(quotas.find_services, c) == []
    _service(c)
    assert len(heads(quotas.find_services, c)) == 1, "after one that exists"
    del c.objects["services"]
    assert heads(quotas.find_services, c) == []


def test_a_service_that_others_call_and_that_only_a_workload_has_the_name_of_is_missed() -> None:
    c = shop("web", "cart")
    c.calls("web", "cart")
    c.container("web")["env"].append({"name": "PAY_ADDR", "value": "pay:80"})
    c.drop("services", "cart")
    _quota(c, used={"services": "1", "pods": "1"}, services="1", pods="1")
    text = (
        "admission.quota.service_called hard=1, quota=base, resource=services, service=cart, used=1"
    )
    assert whole(quotas.find_services, c)[:2] == [
        "0.93 quota_services_exceeded of ResourceQuota/shop/base",
        f"told: {text}",
    ]
    assert len(heads(quotas.find_services, c)) == 1


def test_a_service_is_called_by_the_first_part_of_its_host() -> None:
    c = shop("web", "cart")
    c.container("web")["env"] = [{"name": "CART_ADDR", "value": "cart.shop.svc:80"}]
    c.drop("services", "cart")
    _quota(c, used={"services": "1"}, services="1")
    assert len(heads(quotas.find_services, c)) == 1


@pytest.mark.parametrize(
    ("kind", "resource", "told"),
    [
        ("ConfigMap", "configmaps", True),
        ("ConfigMap", "count__configmaps", True),
        ("Job", "count__jobs_batch", True),
        ("ConfigMap", "count__secrets", False),
        ("Service", "services", False),
        ("PersistentVolumeClaim", "persistentvolumeclaims", False),
    ],
)
def test_any_other_declared_object_is_missed_by_the_quota_that_counts_its_kind(
    kind: str, resource: str, told: bool
) -> None:
    c = shop("web")
    c.objects.setdefault("jobs", [])
    _quota(c, used={resource: "1"}, **{resource: "1"})
    c.declared.append({"kind": kind, "metadata": {"name": "more", "namespace": "shop"}})
    name = resource.replace("__", "/").replace("_", ".")
    text = (
        f"admission.quota.object_declared hard=1, kind={kind}, object=more, quota=base,"
        f" resource={name}, used=1"
    )
    expected = [
        "0.9 quota_objects_exceeded of ResourceQuota/shop/base",
        f"told: {text}",
        f"object: {text}",
        f"facts: FullQuota asked=1, hard=1, missing=1, quota=object base, resource={name}, used=1",
    ]
    assert whole(quotas.find_objects, c) == (expected if told else [])


def test_a_declared_object_is_not_missed_where_it_is_or_where_nobody_looked() -> None:
    c = shop("web")
    _quota(c, used={"configmaps": "1"}, configmaps="1")
    for name, space in (("there", "shop"), ("else", "other")):
        metadata = {"name": name, "namespace": space}
        c.declared.append({"kind": "ConfigMap", "metadata": metadata})
    c.add("configmaps", "there")
    assert heads(quotas.find_objects, c) == []
    c.declared.append({"kind": "ConfigMap", "metadata": {"name": "new", "namespace": "shop"}})
    assert len(heads(quotas.find_objects, c)) == 1, "after one that exists"
    del c.objects["configmaps"]
    assert heads(quotas.find_objects, c) == []


def test_a_used_up_quota_alone_is_a_guess_with_what_stands_against_it() -> None:
    c = shop("web")
    _quota(c, used={"pods": "5", "requests_cpu": "900m"}, pods="5", requests_cpu="1")
    text = "admission.quota.tight hard=5, quota=base, resource=pods, used=5"
    assert whole(quotas.find_tight, c) == [
        "0.35 quota_pods_exceeded of ResourceQuota/shop/base",
        f"told: {text}",
        f"object: {text}",
        "against: admission.quota.nothing_refused",
        "facts: FullQuota asked=, hard=5, missing=1, quota=object base, resource=pods, used=5",
    ]


@pytest.mark.parametrize(
    ("used", "hard", "told"),
    [("5", "5", True), ("6", "5", True), ("4", "5", False), ("0", "0", False), ("1", "1", True)],
)
def test_a_quota_is_used_up_that_allows_something_and_has_none_of_it_left(
    used: str, hard: str, told: bool
) -> None:
    c = shop("web")
    _quota(c, used={"pods": used}, pods=hard)
    assert len(heads(quotas.find_tight, c)) == told


def test_quotas_of_other_namespaces_are_left_alone() -> None:
    c = shop("web")
    _quota(c, "far", space="other", used={"pods": "1"}, pods="1")
    assert heads(quotas.find_tight, c) == []
    _quota(c, used={"pods": "1"}, pods="1")
    assert heads(quotas.find_tight, c) == ["0.35 quota_pods_exceeded of ResourceQuota/shop/base"]
    _quota(c, "first", used={"pods": "1"}, pods="1")
    c.objects["pods"].append({"metadata": {"name": "p", "namespace": "other"}})
    assert [line.split()[-1] for line in heads(quotas.find_tight, everywhere(c.bundle()))] == [
        "ResourceQuota/other/far",
        "ResourceQuota/shop/base",
        "ResourceQuota/shop/first",
    ]


def test_a_quota_is_read_off_its_status_else_its_spec_and_what_is_no_quantity_is_left_out() -> None:
    c = shop("web")
    quota = _quota(c, used={"pods": "odd", "services": "2"}, pods="1", services="1", memory="odd")
    assert heads(quotas.find_tight, c) == [
        "0.35 quota_services_exceeded of ResourceQuota/shop/base"
    ]
    quota["status"]["hard"] = {"pods": "2"}
    quota["status"]["used"] = {"pods": 2}
    assert heads(quotas.find_tight, c) == ["0.35 quota_pods_exceeded of ResourceQuota/shop/base"]
    quota["status"]["hard"] = {"pods": "9"}
    assert heads(quotas.find_tight, c) == []
    quota["status"] = {"used": {"services": "1"}}
    assert heads(quotas.find_tight, c) == [
        "0.35 quota_services_exceeded of ResourceQuota/shop/base"
    ]
    quota["status"] = {}
    assert heads(quotas.find_tight, c) == []


def _mounts(c: Cluster, *claims_: str) -> None:
    volumes: list[Obj] = [{"emptyDir": {}}]
    volumes += [{"persistentVolumeClaim": {"claimName": one}} for one in claims_]
    c.get("deployments", "web")["spec"]["template"]["spec"]["volumes"] = volumes


def _claim_size(c: Cluster, size: str, name: str = "data") -> None:
    c.declared.append(
        {
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"resources": {"requests": {"storage": size}}},
        }
    )


_MISSING = "admission.claim.missing claim=data, workload=Deployment/shop/web"


def test_a_claim_that_does_not_exist_is_told_at_the_workload_that_mounts_it() -> None:
    c = shop("cart", "web")
    c.add("persistentvolumeclaims", "there")
    _mounts(c, "there", "data")
    assert whole(claims.find, c) == [
        "0.9 pvc_missing of Deployment/shop/web",
        f"told: {_MISSING}",
        f"object Deployment/shop/web: {_MISSING}",
        "facts: AbsentClaim claim=data, workload=Deployment web",
    ]
    del c.objects["resourcequotas"]
    assert heads(claims.find, c) == ["0.55 pvc_missing of Deployment/shop/web"]
    del c.objects["persistentvolumeclaims"]
    assert heads(claims.find, c) == []


def test_a_claim_of_another_namespace_does_not_serve() -> None:
    c = shop("web")
    c.add("persistentvolumeclaims", "data")["metadata"]["namespace"] = "other"
    _mounts(c, "data")
    assert len(heads(claims.find, c)) == 1


@pytest.mark.parametrize(
    ("size", "told"), [("2Gi", False), ("3Gi", True), ("2049Mi", True), ("odd", True), ("", True)]
)
def test_a_claim_that_a_quota_on_storage_has_no_room_for_is_told_at_the_quota(
    size: str, told: bool
) -> None:
    c = shop("web")
    _quota(c, used={"requests_storage": "8Gi"}, requests_storage="10Gi")
    _mounts(c, "data")
    if size:
        _claim_size(c, size)
    expected = "quota_storage_exceeded" if told else "pvc_missing"
    assert [head.split()[1] for head in heads(claims.find, c)] == [expected]


def test_how_much_room_there_is_and_what_is_asked_is_told() -> None:
    c = shop("web")
    _quota(c, used={"requests_storage": "8Gi"}, requests_storage="10Gi")
    _mounts(c, "data")
    _claim_size(c, "3Gi")
    hard, used = 10 * 2**30, 8 * 2**30
    text = (
        f"admission.claim.no_room claim=data, hard={hard}, quota=base, resource=requests.storage,"
        f" size=3Gi, used={used}"
    )
    assert whole(claims.find, c) == [
        "0.95 quota_storage_exceeded of ResourceQuota/shop/base",
        f"told: {text}",
        f"object Deployment/shop/web: {_MISSING}",
        f"object: {text}",
        f"facts: FullQuota asked=3Gi, hard={hard}, missing=1, quota=object base,"
        f" resource=requests.storage, used={used}",
    ]


def test_a_claim_of_unknown_size_is_taken_as_too_large_and_believed_less() -> None:
    c = shop("web")
    _quota(c, used={"requests_storage": "1"}, requests_storage="10Gi")
    _mounts(c, "data")
    text = (
        f"admission.claim.no_more claim=data, hard={10 * 2**30}, quota=base,"
        " resource=requests.storage, used=1"
    )
    lines = whole(claims.find, c)
    assert lines[:2] == ["0.88 quota_storage_exceeded of ResourceQuota/shop/base", f"told: {text}"]
    assert lines[-1].startswith("facts: FullQuota asked=, ")


@pytest.mark.parametrize(
    ("used", "hard", "told"), [("0", "1", False), ("1", "1", True), ("1", "2", False)]
)
@pytest.mark.parametrize("resource", ["persistentvolumeclaims", "count__persistentvolumeclaims"])
def test_a_quota_on_the_number_of_claims_counts_one_more(
    resource: str, used: str, hard: str, told: bool
) -> None:
    c = shop("web")
    _quota(c, used={resource: used}, **{resource: hard})
    _mounts(c, "data")
    lines = whole(claims.find, c)
    if told:
        assert lines[0] == "0.95 quota_storage_exceeded of ResourceQuota/shop/base"
        assert lines[1].startswith("told: admission.claim.no_more ")
        assert lines[-1].startswith("facts: FullQuota asked=1, ")
    else:
        assert lines[0] == "0.9 pvc_missing of Deployment/shop/web"


def test_quotas_on_something_else_and_of_other_namespaces_leave_room() -> None:
    c = shop("web")
    _quota(c, used={"pods": "9"}, pods="1")
    _quota(c, "far", space="other", used={"requests_storage": "9"}, requests_storage="1")
    _mounts(c, "data")
    _claim_size(c, "1Gi")
    assert heads(claims.find, c) == ["0.9 pvc_missing of Deployment/shop/web"]
