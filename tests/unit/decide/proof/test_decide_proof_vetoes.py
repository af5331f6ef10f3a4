"""What no plan does, whatever it repairs: open access, take away what the API demands, break what was well."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.proof.access import forbidden, loosened
from decide.core.proof.counterfactual import Unfit, counterfactual, seen
from decide.core.proof.proving import prove
from decide.core.view import ClusterView
from manifests.objects import paths
from manifests.objects.shapes import Obj
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from schemas.text import text_of
from tests.support.decide.clusters import Cluster

POD = "spec.template.spec"
MAIN = f"{POD}.containers[name=main]"


def ground() -> tuple[Cluster, str]:
    cluster = Cluster(5)
    cluster.app("bystander")
    return cluster, cluster.app("shop")


def changed(cluster: Cluster, app: str, *fields: tuple[str, Any], kind: str = "Deployment") -> Any:
    plural = {"Deployment": "deployments", "Service": "services"}[kind]
    obj = cluster.get(plural, app)
    made = []
    for path, after in fields:
        before = paths.find(obj, path)
        op = "remove" if after is None else "add" if before is None else "replace"
        made.append(FieldChange(op=op, path=path, before=before, after=after))
    ref = ObjectRef(kind=kind, namespace=cluster.namespace, name=app)
    return (KubernetesChange(object=ref, fields=tuple(made)),)


@pytest.mark.parametrize(
    "field",
    [
        (f"{POD}.hostPID", True),
        (f"{POD}.hostNetwork", True),
        (f"{POD}.volumes", [{"name": "disk", "hostPath": {"path": "/"}}]),
        (f"{MAIN}.securityContext", {"privileged": True}),
        (f"{MAIN}.securityContext", {"allowPrivilegeEscalation": True}),
        (f"{MAIN}.securityContext", {"capabilities": {"add": ["SYS_ADMIN"]}}),
        (f"{MAIN}.securityContext", {"runAsUser": 0}),
    ],
)
def test_access_that_nobody_asked_for_is_refused(field: tuple[str, Any]) -> None:
    cluster, app = ground()
    proof = prove(None, changed(cluster, app, field), ClusterView(cluster.bundle()))
    assert proof.verdict == "fail"
    told = text_of(proof.reason)
    assert told is not None
    assert told.id == "proof.access.opened"


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("Deployment", f"{MAIN}.image"),
        ("Deployment", f"{POD}.containers"),
        ("Deployment", "spec.selector"),
        ("Service", "spec.ports"),
    ],
)
def test_a_field_that_the_api_demands_is_not_taken_away(kind: str, field: str) -> None:
    cluster, app = ground()
    change = changed(cluster, app, (field, None), kind=kind)
    proof = prove(None, change, ClusterView(cluster.bundle()))
    assert proof.verdict == "fail"
    told = text_of(proof.reason)
    assert told is not None
    assert told.id == "proof.access.required"


def test_a_value_may_not_become_null() -> None:
    cluster, app = ground()
    ref = ObjectRef(kind="Deployment", namespace=cluster.namespace, name=app)
    field = FieldChange(op="replace", path="spec.replicas", before=1, after=None)
    change = (KubernetesChange(object=ref, fields=(field,)),)
    assert prove(None, change, ClusterView(cluster.bundle())).verdict == "fail"


def test_a_service_that_would_lose_its_pods_is_a_veto() -> None:
    cluster, app = ground()
    labels = cluster.get("deployments", app)["spec"]["template"]["metadata"]["labels"]
    fields = [(f"spec.template.metadata.labels['{key}']", "other") for key in labels]
    change = changed(cluster, app, *fields)
    proof = prove(None, change, ClusterView(cluster.bundle()))
    assert proof.verdict == "fail"
    assert app in proof.reason


def test_a_reference_that_is_not_there_is_a_veto() -> None:
    cluster, app = ground()
    source = [{"configMapRef": {"name": "nobodys"}}]
    proof = prove(
        None, changed(cluster, app, (f"{MAIN}.envFrom", source)), ClusterView(cluster.bundle())
    )
    assert proof.verdict == "fail"
    assert "ConfigMap/nobodys" in proof.reason


def test_an_optional_reference_is_none() -> None:
    cluster, app = ground()
    source = [{"configMapRef": {"name": "nobodys", "optional": True}}]
    proof = prove(
        None, changed(cluster, app, (f"{MAIN}.envFrom", source)), ClusterView(cluster.bundle())
    )
    assert proof.verdict == "unknown"


def test_a_harmless_change_is_unknown_without_a_cause() -> None:
    cluster, app = ground()
    change = changed(cluster, app, (f"{MAIN}.image", "registry.example/shop:2"))
    assert prove(None, change, ClusterView(cluster.bundle())).verdict == "unknown"


def test_a_change_of_what_was_not_collected_does_not_fit() -> None:
    cluster, _ = ground()
    ref = ObjectRef(kind="Deployment", namespace=cluster.namespace, name="nobody")
    field = FieldChange(op="add", path="spec.replicas", after=2)
    with pytest.raises(Unfit):
        counterfactual(
            ClusterView(cluster.bundle()), (KubernetesChange(object=ref, fields=(field,)),)
        )


def test_what_was_observed_of_the_old_template_is_no_evidence_for_the_new_one() -> None:
    cluster, app = ground()
    cluster.crashed(app, 1, "broken", "fatal: no")
    cluster.event("Pod", cluster.pod(app)["metadata"]["name"], "BackOff", "restarting")
    view = ClusterView(cluster.bundle())
    state = counterfactual(view, changed(cluster, app, (f"{MAIN}.image", "r.example/shop:2")))
    old, new = view.named(cluster.namespace, app), state.named(cluster.namespace, app)
    assert old is not None
    assert new is not None
    assert (len(old.pods), new.pods) == (1, ())
    assert (bool(view.logs_of(old)), state.logs_of(new)) == (True, [])
    assert (bool(view.events_of_workload(old)), state.events_of_workload(new)) == (True, [])
    other = state.named(cluster.namespace, "bystander")
    assert other is not None
    assert len(other.pods) == 1
    assert seen(state) is view


def test_the_view_before_is_left_as_it_was() -> None:
    cluster, app = ground()
    view = ClusterView(cluster.bundle())
    before: Obj | None = view.get("deployments", cluster.namespace, app)
    image = paths.find(before, f"{MAIN}.image")
    state = counterfactual(view, changed(cluster, app, (f"{MAIN}.image", "r.example/shop:2")))
    assert paths.find(view.get("deployments", cluster.namespace, app), f"{MAIN}.image") == image
    after = state.get("deployments", cluster.namespace, app)
    assert paths.find(after, f"{MAIN}.image") == "r.example/shop:2"
    assert forbidden(state, ()) == ""


def test_a_requirement_that_becomes_a_wish_is_named() -> None:
    cluster, app = ground()
    spread = [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]
    cluster.get("deployments", app)["spec"]["template"]["spec"]["topologySpreadConstraints"] = (
        spread
    )
    path = f"{POD}.topologySpreadConstraints[0].whenUnsatisfiable"
    assert list(loosened(changed(cluster, app, (path, "ScheduleAnyway")))) == [path]
    assert list(loosened(changed(cluster, app, (f"{MAIN}.image", "x:1")))) == []
