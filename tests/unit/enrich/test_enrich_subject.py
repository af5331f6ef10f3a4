"""Who an alert is about: from tags as Datadog and people write them, through owners, to the controller."""

from __future__ import annotations

from typing import Any

import pytest

from enrich.core.names import first_tag, named, readings
from enrich.core.objects import ObjectIndex
from enrich.core.subject import Circumstances, resolve, search
from schemas.alerts import FiredRule
from schemas.base import ObjectRef


def item(
    kind: str,
    name: str,
    namespace: str = "shop",
    owner: dict[str, Any] | None = None,
    version: str = "v1",
    **more: Any,
) -> dict[str, Any]:
    about: dict[str, Any] = {"name": name, "namespace": namespace}
    if owner:
        about["ownerReferences"] = [{"controller": True, **owner}]
    return {"apiVersion": version, "kind": kind, "metadata": about, **more}


APPS, BATCH = "apps/v1", "batch/v1"
OBJECTS = {
    "deployments": [
        item("Deployment", "api", version=APPS),
        item("Deployment", "api", "test", version=APPS),
    ],
    "statefulsets": [item("StatefulSet", "db", version=APPS)],
    "replicasets": [
        item(
            "ReplicaSet",
            "api-6d4",
            version=APPS,
            owner={"kind": "Deployment", "name": "api", "apiVersion": APPS},
        )
    ],
    "cronjobs": [item("CronJob", "report", version=BATCH)],
    "jobs": [
        item(
            "Job",
            "report-1",
            version=BATCH,
            owner={"kind": "CronJob", "name": "report", "apiVersion": BATCH},
        )
    ],
    "pods": [
        item(
            "Pod", "api-6d4-x", owner={"kind": "ReplicaSet", "name": "api-6d4", "apiVersion": APPS}
        )
        | {
            "metadata": {
                "name": "api-6d4-x",
                "namespace": "shop",
                "labels": {"app": "api"},
                "ownerReferences": [
                    {
                        "controller": True,
                        "kind": "ReplicaSet",
                        "name": "api-6d4",
                        "apiVersion": APPS,
                    }
                ],
            }
        },
        item("Pod", "report-1-y", owner={"kind": "Job", "name": "report-1", "apiVersion": BATCH}),
        item("Pod", "gone-1-z", owner={"kind": "ReplicaSet", "name": "gone-1", "apiVersion": APPS}),
        item("Pod", "alone"),
    ],
    "services": [
        item("Service", "front", spec={"selector": {"app": "api"}}),
        item("Service", "empty", spec={"selector": {"app": "nobody"}}),
        item("Service", "headless", spec={}),
    ],
}


@pytest.mark.parametrize(
    ("tags", "key"),
    [
        ({"pod_name": "api-6d4-x"}, "Deployment/shop/api"),
        ({"pod_name": "report-1-y"}, "CronJob/shop/report"),
        ({"pod_name": "gone-1-z"}, "ReplicaSet/shop/gone-1"),
        ({"pod_name": "alone"}, "Pod/shop/alone"),
        ({"kube_deployment": "api"}, "Deployment/shop/api"),
        ({"kube_job": "report-1"}, "CronJob/shop/report"),
        ({"kube_stateful_set": "unseen"}, "StatefulSet/shop/unseen"),
        ({"pod_name": "api-6d4cf56db6-x2x8k"}, "Deployment/shop/api"),
        ({"pod_name": "db-0"}, "StatefulSet/shop/db"),
        ({"service": "db"}, "StatefulSet/shop/db"),
        ({"service": "front"}, "Deployment/shop/api"),
        ({"service": "empty"}, None),
        ({"service": "headless"}, None),
        ({"service": "nothing"}, None),
        ({"kube_deployment": "api,web"}, None),
        ({}, None),
    ],
)
def test_names_lead_to_the_controller(tags: dict[str, str], key: str | None) -> None:
    found = resolve(named({"kube_namespace": "shop", **tags}), OBJECTS)
    assert (found.key if found else None) == key


def test_the_same_name_in_another_namespace_is_another_object() -> None:
    found = resolve(named({"kube_namespace": "test", "kube_deployment": "api"}), OBJECTS)
    assert found is not None
    assert found.key == "Deployment/test/api"
    nowhere = resolve(named({"kube_namespace": "test", "pod_name": "alone"}), OBJECTS)
    assert nowhere is None


@pytest.mark.parametrize(
    ("tags", "key"),
    [
        ({"kube_stateful_set": "db"}, "StatefulSet/shop/db"),
        ({"kube_job": "report-1"}, "CronJob/shop/report"),
        ({"service": "db"}, "StatefulSet/shop/db"),
        ({"service": "front"}, "Deployment/shop/api"),
        ({"pod_name": "alone"}, "Pod/shop/alone"),
        ({"pod_name": "db-0"}, "StatefulSet/shop/db"),
        # Two namespaces have a Deployment of that name.
        ({"kube_deployment": "api"}, None),
        ({"service": "api"}, None),
        ({"service": "nothing"}, None),
    ],
)
def test_without_a_namespace_a_name_counts_when_only_one_object_has_it(
    tags: dict[str, str], key: str | None
) -> None:
    found = resolve(named(tags), OBJECTS)
    assert (found.key if found else None) == key


def test_a_service_name_that_two_kinds_of_two_namespaces_have_is_nobodys() -> None:
    objects = {
        "deployments": [item("Deployment", "db", "test", version=APPS)],
        "statefulsets": [item("StatefulSet", "db", version=APPS)],
    }
    assert resolve(named({"service": "db"}), objects) is None


def test_a_kind_of_two_groups_is_told_apart_by_its_owner_reference() -> None:
    core, knative = item("Service", "web"), item("Service", "web", version="serving.knative.dev/v1")
    configuration = item(
        "Configuration",
        "web",
        version="serving.knative.dev/v1",
        owner={"kind": "Service", "name": "web", "apiVersion": "serving.knative.dev/v1"},
    )
    assert ObjectIndex({"services": [core, knative]}).find("Service", "shop", "web") is core
    assert (
        ObjectIndex({"services": [core, knative]}).find(
            "Service", "shop", "web", "serving.knative.dev/v1beta1"
        )
        is knative
    )
    top = ObjectIndex({"services": [core, knative]}).top_controller(configuration)
    assert (top.kind, top.api_version) == ("Service", "serving.knative.dev/v1")


def test_owners_that_own_each_other_end() -> None:
    one = item("ReplicaSet", "a", owner={"kind": "ReplicaSet", "name": "b"})
    two = item("ReplicaSet", "b", owner={"kind": "ReplicaSet", "name": "a"})
    assert ObjectIndex({"replicasets": [one, two]}).top_controller(one).kind == "ReplicaSet"


def test_names_are_read_from_the_tags_that_integrations_and_people_use() -> None:
    who = named(
        {
            "cluster_name": "east",
            "namespace": "shop",
            "pod": "p",
            "app": "web",
            "owner": "ops",
            "host": "n1",
            "deployment": "web",
        },
        "fallback",
    )
    assert (who.cluster, who.namespace, who.pod, who.service, who.team, who.node) == (
        "east",
        "shop",
        "p",
        "web",
        "ops",
        "n1",
    )
    assert who.workload == ObjectRef(kind="Deployment", namespace="shop", name="web")
    assert named({}, "fallback").cluster == "fallback"
    assert first_tag({"a": "x,y", "b": "z"}, "a", "b") == "z"


SCALED = {
    **OBJECTS,
    "horizontalpodautoscalers": [
        item(
            "HorizontalPodAutoscaler",
            "front-scaler",
            spec={"scaleTargetRef": {"kind": "Deployment", "name": "api"}},
        ),
        item(
            "HorizontalPodAutoscaler",
            "astray",
            spec={"scaleTargetRef": {"kind": "Deployment", "name": "gone"}},
        ),
    ],
    "pods": [
        *OBJECTS["pods"],
        item(
            "Pod",
            "db-0",
            owner={"kind": "StatefulSet", "name": "db", "apiVersion": APPS},
            spec={"volumes": [{"persistentVolumeClaim": {"claimName": "data-db-0"}}]},
        ),
    ],
}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"horizontalpodautoscaler": "front-scaler"}, "Deployment/shop/api"),
        ({"horizontalpodautoscaler": "astray"}, ""),
        ({"horizontalpodautoscaler": "nobody"}, ""),
        ({"persistentvolumeclaim": "data-db-0"}, "StatefulSet/shop/db"),
        ({"persistentvolumeclaim": "data-db-1"}, ""),
        ({"persistentvolumeclaim": "data-db-0", "deployment": "api"}, "Deployment/shop/api"),
    ],
)
def test_an_autoscaler_and_a_claim_lead_to_whom_they_serve(
    tags: dict[str, str], expected: str
) -> None:
    found = resolve(named({"kube_namespace": "shop", **tags}), SCALED)
    assert (found.key if found else "") == expected


@pytest.mark.parametrize("tag", ["horizontalpodautoscaler", "persistentvolumeclaim"])
def test_an_autoscaler_and_a_claim_that_serve_nobody_are_named_to_people(tag: str) -> None:
    found = search((named({"kube_namespace": "shop", tag: "gone"}),), SCALED, Circumstances())
    assert (found.search.ending, found.search.by) == ("not_found", f"{tag}:gone")


@pytest.mark.parametrize(
    ("nodes", "pods", "expected"),
    [
        ([], ["api-6d4cf56db6-x2x8k"], "Deployment/shop/api"),
        (["api-6d4cf56db6-x2x8k"], [], "Node/api-6d4cf56db6-x2x8k"),
        ([], [], ""),
    ],
)
def test_a_host_is_a_node_or_the_pod_of_that_name(
    nodes: list[str], pods: list[str], expected: str
) -> None:
    owner = {"kind": "Deployment", "name": "api", "apiVersion": APPS}
    objects = {
        "nodes": [item("Node", name, "") for name in nodes],
        "pods": [item("Pod", name, owner=owner) for name in pods],
        "deployments": [item("Deployment", "api")],
    }
    whos = readings({"host": "api-6d4cf56db6-x2x8k"}, FiredRule(), None)
    found = search(whos, objects, Circumstances())
    assert (found.subject.key if found.subject else "") == expected
    assert found.search.ending == ("not_found" if not expected else found.search.ending)
