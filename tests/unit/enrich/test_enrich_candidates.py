"""Of several objects that an alert may be about: those of its environment, and of these the sick one, else nobody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from enrich.core.names import named
from enrich.core.signs import signs
from enrich.core.subject import Circumstances, FoundSubject, circumstances, search, unread
from schemas.alerts import Alert
from schemas.base import ObjectRef
from schemas.context import Monitor

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
Objects = dict[str, list[dict[str, Any]]]


def deployment(name: str, space: str, ready: int = 1, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": space},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": labels}, "spec": {}}},
        "status": {"readyReplicas": ready},
    }


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def looked(
    objects: Objects, tags: Mapping[str, str], monitor: Monitor | None = None
) -> FoundSubject:
    around = circumstances(Alert(labels=dict(tags)), monitor, AT, {"ops": "staging"})
    return search((named(tags),), objects, around)


def told(found: FoundSubject) -> tuple[str, str]:
    return found.search.ending, found.subject.key if found.subject else ""


@pytest.mark.parametrize(
    ("env", "spaces", "expected"),
    [
        ("prod", {"a": "prod", "b": "staging"}, ("found", "Deployment/a/web")),
        ("production", {"a": "prod", "b": "staging"}, ("found", "Deployment/a/web")),
        ("staging", {"a": "prod", "b": "staging"}, ("found", "Deployment/b/web")),
        ("uat", {"a": "uat", "b": "staging"}, ("found", "Deployment/a/web")),
        ("prod", {"b": "staging"}, ("other_environment", "")),
        ("prod", {"b": "preprod"}, ("other_environment", "")),
        ("prod", {"a": "", "b": "staging"}, ("found", "Deployment/a/web")),
        ("prod", {"a": "", "b": "prod"}, ("found", "Deployment/b/web")),
        ("blue", {"a": "blue", "b": "green"}, ("found", "Deployment/a/web")),
        ("blue", {"b": "green"}, ("other_environment", "")),
        ("prod,staging", {"a": "prod", "b": "staging"}, ("none_sick", "")),
        ("", {"a": "prod", "b": "staging"}, ("none_sick", "")),
    ],
)
def test_the_environment_of_the_alert_chooses(
    env: str, spaces: dict[str, str], expected: tuple[str, str]
) -> None:
    objects: Objects = {
        "deployments": [deployment("web", space, app="web") for space in spaces],
        "namespaces": [namespace(s, **({"env": e} if e else {})) for s, e in spaces.items()],
    }
    tags = {"service": "web", **({"env": env} if env else {})}
    assert told(looked(objects, tags)) == expected


def test_names_and_settings_speak_of_namespaces_as_well() -> None:
    objects: Objects = {
        "deployments": [deployment("web", s, app="web") for s in ("shop-staging", "ops", "shop")]
    }
    assert told(looked(objects, {"service": "web", "env": "prod"})) == (
        "found",
        "Deployment/shop/web",
    )
    only = {"deployments": objects["deployments"][:2]}
    assert told(looked(only, {"service": "web", "env": "prod"})) == ("other_environment", "")
    monitor = Monitor(query="avg:x{env:prod} by {service}")
    assert told(looked(only, {"service": "web"}, monitor)) == ("other_environment", "")


def test_a_namespace_that_the_alert_names_is_not_chosen_anew() -> None:
    objects: Objects = {"deployments": [deployment("web", "shop-staging", app="web")]}
    tags = {"service": "web", "env": "prod", "kube_namespace": "shop-staging"}
    assert told(looked(objects, tags)) == ("found", "Deployment/shop-staging/web")


@pytest.mark.parametrize(
    ("ready", "expected"),
    [
        ((1, 0), ("found", "Deployment/s/b")),
        ((0, 0), ("several_sick", "")),
        ((1, 1), ("none_sick", "")),
    ],
)
def test_the_sick_one_of_several_is_the_subject(
    ready: tuple[int, int], expected: tuple[str, str]
) -> None:
    label = {"tags.datadoghq.com/service": "web"}
    objects: Objects = {
        "deployments": [deployment(n, "s", r, **label) for n, r in zip("ab", ready, strict=True)]
    }
    found = looked(objects, {"service": "web"})
    assert told(found) == expected
    assert [c.object.name for c in found.search.candidates] == ["a", "b"]
    assert [bool(c.signs) for c in found.search.candidates] == [not r for r in ready]


def test_of_well_ones_that_share_a_label_by_hand_the_one_of_that_name_is_meant() -> None:
    objects: Objects = {
        "deployments": [deployment("web", "s", app="web"), deployment("web-job", "s", app="web")]
    }
    assert told(looked(objects, {"service": "web"})) == ("found", "Deployment/s/web")


def test_what_says_its_service_on_purpose_comes_before_what_is_called_so() -> None:
    objects: Objects = {
        "deployments": [
            deployment("web", "s"),
            deployment("front", "t", **{"tags.datadoghq.com/service": "web"}),
        ]
    }
    assert told(looked(objects, {"service": "web"})) == ("found", "Deployment/t/front")


def test_a_search_that_could_not_read_everything_names_what_it_found_and_chooses_nobody() -> None:
    found = looked({"deployments": [deployment("web", "s")]}, {"service": "web"})
    cut = unread(found, ["pods (>4,999)"])
    assert told(cut) == ("not_all_read", "")
    assert [c.object.key for c in cut.search.candidates] == ["Deployment/s/web"]
    assert unread(found, []) is found


def test_more_candidates_than_can_be_examined_are_nobodys() -> None:
    many: Objects = {"deployments": [deployment("web", f"s{n}", 1) for n in range(20)]}
    assert looked(many, {"service": "web"}).search.ending == "not_all_read"


REF = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="s", name="web")
OWNER = [{"kind": "Deployment", "name": "web", "controller": True}]


CREATING = [{"state": {"waiting": {"reason": "ContainerCreating"}}}]


def pod(made: str = "2026-11-01T00:00:00Z", **status: Any) -> Objects:
    about = {
        "name": "web-1",
        "namespace": "s",
        "ownerReferences": OWNER,
        "creationTimestamp": made,
    }
    return {"pods": [{"kind": "Pod", "metadata": about, "status": {"phase": "Running", **status}}]}


def restarted(at: str, ready: bool = True) -> Objects:
    last = {"terminated": {"finishedAt": at, "exitCode": 1}}
    state = {"ready": ready, "restartCount": 3, "lastState": last, "state": {"running": {}}}
    return pod(containerStatuses=[state])


def event(at: str, kind: str = "Warning", reason: str = "FailedCreate") -> Objects:
    about = {"kind": "Deployment", "name": "web", "namespace": "s"}
    meta = {"name": "e", "namespace": "s"}
    told = {"type": kind, "reason": reason, "involvedObject": about, "lastTimestamp": at}
    return {"events": [{"metadata": meta, **told}]}


@pytest.mark.parametrize(
    ("objects", "sick"),
    [
        (pod(), False),
        (restarted("2026-11-24T07:50:00Z"), True),
        (restarted("2026-11-23T07:50:00Z"), False),
        (restarted("2026-11-23T07:50:00Z", ready=False), True),
        (pod(containerStatuses=[{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]), True),
        (pod(containerStatuses=CREATING), True),
        (pod("2026-11-24T07:58:00Z", containerStatuses=CREATING), False),
        (pod(conditions=[{"type": "Ready", "status": "False"}]), True),
        ({"pods": []}, False),
        (event("2026-11-24T07:50:00Z"), True),
        (event("2026-11-23T07:50:00Z"), False),
        (event("2026-11-24T07:50:00Z", "Normal"), False),
        (event("2026-11-24T07:50:00Z", reason="Unhealthy"), False),
        ({"deployments": [deployment("web", "s", 0)]}, True),
        ({"deployments": [deployment("web", "s", 1)]}, False),
    ],
)
def test_signs_of_sickness(objects: Objects, sick: bool) -> None:
    assert bool(signs(REF, objects, AT)) is sick


def test_a_cron_job_is_as_its_newest_job_ended() -> None:
    ref = ObjectRef(api_version="batch/v1", kind="CronJob", namespace="s", name="report")
    owner = [{"kind": "CronJob", "name": "report", "controller": True}]

    def job(name: str, made: str, failed: bool) -> dict[str, Any]:
        meta = {"name": name, "namespace": "s", "ownerReferences": owner, "creationTimestamp": made}
        ended = [{"type": "Failed", "status": "True"}] if failed else []
        return {"kind": "Job", "metadata": meta, "status": {"conditions": ended}}

    old_failed = [job("r1", "2026-11-23T00:00:00Z", True), job("r2", "2026-11-24T00:00:00Z", False)]
    new_failed = [job("r1", "2026-11-23T00:00:00Z", False), job("r2", "2026-11-24T00:00:00Z", True)]
    assert not signs(ref, {"jobs": old_failed}, AT)
    assert signs(ref, {"jobs": new_failed}, AT)


def test_hosts_are_nodes_by_every_name_that_they_have() -> None:
    node = {
        "kind": "Node",
        "metadata": {"name": "ip-10-0-0-7.ec2.internal"},
        "spec": {"providerID": "aws:///eu-west-1a/i-0abc"},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.7"}]},
    }
    for host in ("ip-10-0-0-7.ec2.internal", "i-0abc", "10.0.0.7", "ip-10-0-0-7.ec2.internal-eu"):
        found = search((named({}, "eu", host),), {"nodes": [node]}, Circumstances())
        assert told(found) == ("node", "Node/ip-10-0-0-7.ec2.internal"), host
    other = search((named({}, "eu", "i-0abd"),), {"nodes": [node]}, Circumstances())
    assert told(other) == ("not_found", "")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"kube_replica_set": "web-5d8c7b9f6"}, ("found", "Deployment/s/web")),
        ({"kube_job": "web-5d8c7b9f6"}, ("found", "Job/s/web-5d8c7b9f6")),
        ({"kube_job": "report-29400000"}, ("found", "CronJob/s/report")),
        ({"service": "elsewhere"}, ("not_found", "")),
        ({"app": "elsewhere"}, ("namespace", "")),
        ({"app": "elsewhere", "url": "https://x.test"}, ("not_found", "")),
        ({"app": "web"}, ("found", "Deployment/s/web")),
        ({}, ("namespace", "")),
    ],
)
def test_what_a_named_namespace_has(tags: dict[str, str], expected: tuple[str, str]) -> None:
    report = {"kind": "CronJob", "metadata": {"name": "report", "namespace": "s"}}
    objects: Objects = {"deployments": [deployment("web", "s")], "cronjobs": [report]}
    assert told(looked(objects, {"kube_namespace": "s", **tags})) == expected
