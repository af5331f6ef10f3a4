"""`kfix capture` against the sandbox's API server, and the real one: what it reads, and what it says of the rest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from enrich.service.gathering import gather
from enrich.wiring import open_ports
from ingest.sources import alert_in
from kfix.offline.diagnose import diagnose_bundle
from sandbox.faults import Fault
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.world import Pace
from schemas.alerts import RawAlert
from schemas.context import ContextBundle
from tests.support.capture import diagnosed, kfix, note
from tests.support.kubernetes import (  # noqa: F401 -- fixtures
    ClusterUnderTest,
    control_plane_with_controllers,
    deployment,
    pod,
    real_cluster,
)
from tools.realparts.kubernetes import ControlPlane, kubeconfig

# ruff: noqa: F811  (fixtures are imported by name)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(pace=Pace(sync_s=0.1, recovery_s=0.05, tick_s=0.05, index_s=0)) as found:
        yield found


@pytest.fixture
def connected(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox, with the settings of its cluster alone: no Datadog, no GitLab."""
    monkeypatch.setenv("KFIX_DATABASE_URL", f"sqlite:///{tmp_path / 'kfix.db'}")
    for name, value in sandbox.environment.items():
        if name.startswith("KFIX_KUBERNETES_"):
            monkeypatch.setenv(name, value)
    return sandbox


async def captured(*words: object) -> Any:
    return await asyncio.to_thread(kfix, "capture", *words)


def files_of(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def payload(sandbox: Sandbox, *tags: str) -> dict[str, Any]:
    named = ["kube_namespace:shop", f"kube_cluster_name:{sandbox.cluster.name}", *tags]
    moment = str(int(datetime.now(UTC).timestamp() * 1000))
    return {
        "id": "11",
        "title": "[Triggered] Pods are not well",
        "alert_transition": "Triggered",
        "alert_id": "7",
        "date": moment,
        "tags": named,
    }


async def running_stage(document: dict[str, Any]) -> ContextBundle:
    said = alert_in(document, json.dumps(document).encode())
    raw = RawAlert(
        event_id=said.delivery,
        occurred_at=said.alert.happened_at or datetime.now(UTC),
        body_sha256="0" * 64,
        body=b"{}",
        template="native",
        alert=said.alert,
    )
    async with open_ports() as opened:
        return await gather(raw, opened.sources_for(raw), opened.rules, opened.deadline_s)


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer says, without the numbers of its run."""
    actions = [answer["recommended_action"], *answer["alternative_actions"]]
    return {
        "status": answer["status"],
        "reason": answer["reason"],
        "explanation": answer["explanation"],
        "analysis": answer["ai_analysis"],
        "hypotheses": answer["hypotheses"],
        "changes": [(a["title"], a["kubernetes_changes"]) for a in actions if a],
    }


@pytest.mark.parametrize("scenario", ["oom", "crash_loop_bad_config", "unschedulable"])
async def test_a_captured_folder_is_answered_as_the_running_stages_bundle(
    connected: Sandbox, tmp_path: Path, scenario: str
) -> None:
    await connected.world.break_(scenarios()[scenario], notify=False)
    service = scenarios()[scenario].service
    document = payload(connected, f"kube_deployment:{service}")
    alert = tmp_path / "given.json"
    alert.write_text(json.dumps(document))
    bundle = await running_stage(document)
    done = await captured("--alert", alert, "--out", tmp_path / "case")
    assert done.exit_code == 0, done.output
    answer = diagnosed(tmp_path / "case")
    assert answer["status"] == scenarios()[scenario].expected.status
    assert told(answer) == told(diagnose_bundle("case", bundle, {}))
    assert answer["not_read"] == []


async def test_of_all_namespaces_the_worst_trouble_is_found_without_an_alert(
    connected: Sandbox, tmp_path: Path
) -> None:
    await connected.world.break_(scenarios()["oom"], notify=False)
    done = await captured("--out", tmp_path / "case")
    assert done.exit_code == 0, done.output
    answer = diagnosed(tmp_path / "case")
    assert answer["ai_analysis"]["object"] == "Deployment/shop/cart"
    cart = next((tmp_path / "case" / "cluster" / "shop").glob("cart-*"))
    assert {path.name for path in cart.iterdir()} == {"logs.txt", "logs-previous.txt"}


async def test_nothing_but_reads_reaches_the_cluster(connected: Sandbox, tmp_path: Path) -> None:
    connected.faults.asked.clear()
    done = await captured("--namespace", "shop", "--out", tmp_path / "case")
    assert done.exit_code == 0, done.output
    asked = [a for a in connected.faults.asked if a.service == "kubernetes"]
    assert asked
    assert {a.method for a in asked} == {"GET"}
    assert not [a.path for a in asked if "secrets" in a.path or "exec" in a.path]


async def test_secrets_in_objects_logs_and_the_alert_are_masked(
    connected: Sandbox, tmp_path: Path
) -> None:
    canary = "hunter2-canary-4711"
    connected.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "leaky", "namespace": "shop"},
            "data": {"DB_PASSWORD": canary},
        }
    )
    sick = connected.cluster.list("pods", "shop")[0]
    container = sick["spec"]["containers"][0]["name"]
    line = f"connecting with password={canary}"
    connected.cluster.set_log("shop", sick["metadata"]["name"], container, line)
    alert = tmp_path / "given.json"
    alert.write_text(json.dumps({**payload(connected), "api_key": canary}))
    done = await captured("--alert", alert, "--out", tmp_path / "case")
    assert done.exit_code == 0, done.output
    files = files_of(tmp_path / "case")
    case = tmp_path / "case"
    assert "leaky" in (case / "cluster" / "shop" / "configmaps.json").read_text()
    assert "api_key" in (case / "alert.json").read_text()
    assert any("connecting with password=[masked" in path.read_text() for path in files)
    assert not [path for path in files if canary in path.read_text()]


async def test_a_kind_that_may_not_be_read_is_told_noted_and_shown_by_the_diagnosis(
    connected: Sandbox, tmp_path: Path
) -> None:
    await connected.world.break_(scenarios()["oom"], notify=False)
    connected.cluster.denied.add(("list", "persistentvolumeclaims"))
    done = await captured("--namespace", "shop", "--out", tmp_path / "case")
    assert done.exit_code == 0
    name = "kubernetes.persistentvolumeclaims of shop"
    lines = [line for line in done.stderr.splitlines() if "not read" in line]
    assert [line.startswith(f"kfix: not read: {name}: unauthorized: ") for line in lines] == [True]
    assert list(note(tmp_path / "case")) == [name]
    assert not (tmp_path / "case" / "cluster" / "shop" / "persistentvolumeclaims.json").exists()
    answer = diagnosed(tmp_path / "case")
    assert [one["name"] for one in answer["not_read"]] == [name]
    assert answer["ai_analysis"]["failure_class"] == "oom_killed"
    text = kfix("diagnose", tmp_path / "case", "--output", "text").stdout
    assert f"Not read:\n  {name}: unauthorized" in text


async def test_a_kind_of_add_ons_that_is_not_served_is_told_and_no_lack_of_evidence(
    connected: Sandbox, tmp_path: Path
) -> None:
    done = await captured("--namespace", "shop", "--out", tmp_path / "case")
    assert "does not serve: " in done.stderr
    assert "httproutes.gateway.networking.k8s.io" in done.stderr
    assert note(tmp_path / "case") == {}


async def test_a_list_that_does_not_come_in_time_keeps_an_all_clear_from_being_given(
    connected: Sandbox, tmp_path: Path
) -> None:
    connected.faults.switch_on(Fault("kubernetes", "slow", route="/events$", seconds=60))
    done = await captured("--namespace", "shop", "--out", tmp_path / "case", "--within", "2")
    assert done.exit_code == 0, done.output
    reason = note(tmp_path / "case")["kubernetes.events of shop"]
    assert "not read within 2 s" in reason
    answer = diagnosed(tmp_path / "case")
    assert (answer["status"], answer["reason"]) == ("needs_human", "not_checked")


async def test_logs_beyond_the_bound_are_told_and_those_in_trouble_come_first(
    connected: Sandbox, tmp_path: Path
) -> None:
    await connected.world.break_(scenarios()["oom"], notify=False)
    done = await captured("--namespace", "shop", "--out", tmp_path / "case", "--logs", "4")
    assert "beyond the first 4" in note(tmp_path / "case")["kubernetes.logs"], done.output
    logs = list((tmp_path / "case" / "cluster" / "shop").glob("*/logs*.txt"))
    assert logs
    assert {path.parent.name.partition("-")[0] for path in logs} == {"cart"}


@pytest.mark.parametrize("trouble", ["down", "error", "malformed"])
async def test_where_nothing_can_be_read_nothing_is_written(
    connected: Sandbox, tmp_path: Path, trouble: Any
) -> None:
    connected.faults.switch_on(Fault("kubernetes", trouble))
    done = await captured("--namespace", "shop", "--out", tmp_path / "case")
    assert done.exit_code == 2
    assert done.stderr.startswith("kfix: nothing could be read: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "case").exists()


async def test_namespaces_that_are_not_there_are_no_empty_ones(
    connected: Sandbox, tmp_path: Path
) -> None:
    done = await captured("--namespace", "shopp", "--out", tmp_path / "none")
    assert (done.exit_code, "no namespace shopp" in done.stderr) == (2, True)
    both = ("--namespace", "shop", "--namespace", "shopp")
    done = await captured(*both, "--out", tmp_path / "case")
    assert done.exit_code == 0
    assert list(note(tmp_path / "case")) == ["namespace shopp"]


async def test_an_alert_about_another_cluster_is_not_captured_from_this_one(
    connected: Sandbox, tmp_path: Path
) -> None:
    document = {**payload(connected), "tags": ["kube_namespace:shop", "kube_cluster_name:other"]}
    alert = tmp_path / "given.json"
    alert.write_text(json.dumps(document))
    connected.faults.asked.clear()
    done = await captured("--alert", alert, "--out", tmp_path / "case")
    assert (done.exit_code, "'other'" in done.stderr) == (3, True)
    assert not [a for a in connected.faults.asked if a.service == "kubernetes"]


async def test_a_pod_of_a_hostile_name_writes_nothing_outside_of_the_folder(
    connected: Sandbox, tmp_path: Path
) -> None:
    sick = connected.cluster.list("pods", "shop")[0]
    for number, name in enumerate(("../../../escaped", "..", "a b", "pods.json", "x\n.log")):
        place = {**sick["metadata"], "name": name, "uid": f"u{number}"}
        connected.cluster.put({**sick, "metadata": place})
        container = sick["spec"]["containers"][0]["name"]
        connected.cluster.set_log("shop", name, container, "words")
    before = files_of(tmp_path)
    done = await captured("--namespace", "shop", "--out", tmp_path / "deep" / "case")
    assert done.exit_code == 0, done.output
    written = files_of(tmp_path) - before
    assert written
    assert all(path.is_relative_to(tmp_path / "deep" / "case") for path in written)
    assert len(diagnosed(tmp_path / "deep" / "case")["ai_analysis"]) > 0


@pytest.mark.kube
def test_of_a_real_cluster_a_person_with_rights_in_one_namespace_captures_what_they_may(
    real_cluster: ClusterUnderTest,
    control_plane_with_controllers: ControlPlane,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ns = real_cluster.namespace()
    real_cluster.create("/apis/apps/v1/deployments", ns, deployment("api"))
    sick = real_cluster.create("/api/v1/pods", ns, pod("lone"))
    _crash(real_cluster, ns, sick)
    _allow(real_cluster, ns, "reader", ["pods", "pods/log", "events", "deployments", "replicasets"])
    file = kubeconfig(control_plane_with_controllers, tmp_path, "reader")
    monkeypatch.setenv("KFIX_KUBERNETES_KUBECONFIG", str(file))
    done = kfix("capture", "--namespace", ns, "--out", tmp_path / "case")
    assert done.exit_code == 0, done.output
    there = {path.stem for path in (tmp_path / "case" / "cluster" / ns).glob("*.json")}
    assert there == {"pods", "events", "deployments", "replicasets"}
    unread = note(tmp_path / "case")
    assert unread["kubernetes.services of " + ns].startswith("unauthorized: ")
    assert unread["kubernetes.nodes"].startswith("unauthorized: ")
    answer = diagnosed(tmp_path / "case")
    assert {one["name"] for one in answer["not_read"]} == set(unread)
    assert answer["ai_analysis"]["object"] == f"Pod/{ns}/lone"
    everywhere = kfix("capture", "--out", tmp_path / "all")
    assert (everywhere.exit_code, "nothing could be read" in everywhere.stderr) == (2, True)


def _crash(cluster: ClusterUnderTest, namespace: str, sick: dict[str, Any]) -> None:
    """The pod's status as a kubelet would write it of a container that its memory limit kills."""
    ended = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-30T10:00:00Z"}
    status = {
        "name": "app",
        "image": "r.invalid/app:1",
        "imageID": "",
        "ready": False,
        "restartCount": 4,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": ended},
    }
    body = {"status": {"phase": "Running", "containerStatuses": [status]}}
    path = f"/api/v1/namespaces/{namespace}/pods/{sick['metadata']['name']}/status"
    code, answer = cluster.admin("PATCH", path, body, "application/merge-patch+json")
    assert code == 200, answer


def _allow(cluster: ClusterUnderTest, namespace: str, user: str, resources: list[str]) -> None:
    rules = [{"apiGroups": ["", "apps"], "resources": resources, "verbs": ["get", "list"]}]
    group = "rbac.authorization.k8s.io"
    cluster.create(
        f"/apis/{group}/v1/roles", namespace, {"metadata": {"name": user}, "rules": rules}
    )
    binding = {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": user},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    cluster.create(f"/apis/{group}/v1/rolebindings", namespace, binding)
