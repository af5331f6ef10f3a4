"""The sandbox's company: a scenario breaks it, the right merge heals it, the wrong one does not."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import gitlab
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.control import merge_as_reviewer
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.serving import serve
from sandbox.world import Pace

FAST = Pace(sync_s=0.1, recovery_s=0.05, tick_s=0.03)
BREAKING = [name for name, s in scenarios().items() if not s.recovers_by_itself]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(pace=FAST) as found:
        yield found


async def until(holds: Callable[[], bool], limit_s: float = 5) -> None:
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.02)


async def propose_and_merge(sandbox: Sandbox, path: str, old: str, new: str) -> None:
    """As K-Fix's bot and a reviewer would."""

    def propose() -> int:
        client = gitlab.Gitlab(
            sandbox.urls["gitlab"], private_token=sandbox.tokens["gitlab"], timeout=5
        )
        repo: Any = client.projects.get(sandbox.project.path)
        text = repo.files.raw(path, ref="main").decode()
        assert text.count(old) == 1
        branch = f"kfix/incident-inc-{len(sandbox.project.merge_requests)}"
        repo.commits.create(
            {
                "branch": branch,
                "start_branch": "main",
                "commit_message": "fix",
                "actions": [
                    {"action": "update", "file_path": path, "content": text.replace(old, new)}
                ],
            }
        )
        made = repo.mergerequests.create(
            {"source_branch": branch, "target_branch": "main", "title": "fix"}
        )
        return int(made.iid)

    answer = await merge_as_reviewer(sandbox, await asyncio.to_thread(propose))
    assert answer["state"] == "merged"


def test_every_host_of_another_namespace_that_the_company_names_is_a_service(
    sandbox: Sandbox,
) -> None:
    declared = json.dumps(sandbox.cluster.list("deployments", "shop"))
    hosts = set(re.findall(r"([a-z-]+)\.([a-z-]+)\.svc\b", declared))
    assert hosts == {("postgres-primary", "data"), ("redis", "data"), ("search", "data")}
    services = sandbox.cluster.list("services")
    assert hosts <= {(s["metadata"]["name"], s["metadata"]["namespace"]) for s in services}
    assert sandbox.cluster.find("Namespace", "", "data")


CART = "apps/cart/cart.yaml"
GOOD_AND_BAD = [
    (
        "oom",
        CART,
        "limits: {cpu: 400m, memory: 256Mi}",
        "limits: {cpu: 400m, memory: 384Mi}",
        "limits: {cpu: 400m, memory: 272Mi}",
    ),
    ("cpu_throttling", "apps/checkout/deployment.yaml", "cpu: 500m", "cpu: 800m", "cpu: 510m"),
    (
        "hpa_ceiling",
        "apps/frontend/autoscaling.yaml",
        "maxReplicas: 4",
        "maxReplicas: 8",
        "maxReplicas: 5",
    ),
    ("bad_image", "apps/catalog/deployment.yml", "catalog:7.2.1", "catalog:7.1.4", "catalog:7.2.2"),
    (
        "crash_loop_bad_config",
        "apps/payments/deployment.yaml",
        "postgres-primry",
        "postgres-primary",
        "postgres-prime",
    ),
    ("unschedulable", "apps/catalog/deployment.yml", "cpu: 3900m", "cpu: 200m", "cpu: 3800m"),
]


@pytest.mark.parametrize(("name", "path", "old", "good", "bad"), GOOD_AND_BAD)
async def test_a_wrong_fix_leaves_it_broken_and_the_right_one_heals_it(
    sandbox: Sandbox, name: str, path: str, old: str, good: str, bad: str
) -> None:
    scenario, world = scenarios()[name], sandbox.world
    assert world.health(scenario.service).condition == "healthy"
    await world.break_(scenario)
    broken = world.health(scenario.service).condition
    assert broken != "healthy"

    await propose_and_merge(sandbox, path, old, bad)
    head = sandbox.project.repository.resolve("main")
    await until(lambda: world.applied == head)
    assert world.health(scenario.service).condition == broken

    await propose_and_merge(sandbox, path, bad, good)
    await until(lambda: world.health(scenario.service).condition == "healthy")
    group = world.group(scenario.service)
    states = [m.groups[group] for m in sandbox.datadog.monitors.values() if group in m.groups]
    await until(lambda: {s.status for s in states} == {"OK"})
    assert [e.transition for e in sandbox.datadog.events] == ["Triggered", "Recovered"]


async def test_a_leak_outlives_a_bigger_limit(sandbox: Sandbox) -> None:
    await sandbox.world.break_(scenarios()["memory_leak"])
    await propose_and_merge(
        sandbox, CART, "limits: {cpu: 400m, memory: 256Mi}", "limits: {cpu: 400m, memory: 1Gi}"
    )
    head = sandbox.project.repository.resolve("main")
    await until(lambda: sandbox.world.applied == head)
    assert sandbox.world.health("cart").condition == "leaking"


@pytest.mark.parametrize("name", BREAKING)
async def test_trouble_shows_in_pods_metrics_and_monitor(sandbox: Sandbox, name: str) -> None:
    scenario = scenarios()[name]
    event = await sandbox.world.break_(scenario, notify=False)
    monitor = sandbox.datadog.monitors[event.monitor_id or 0]
    assert monitor.groups[sandbox.world.group(scenario.service)].status == "Alert"
    headers = {"DD-API-KEY": sandbox.datadog.api_key, "DD-APPLICATION-KEY": sandbox.datadog.app_key}
    query, sign, threshold = monitor.query.partition(":")[2].rpartition(" > ")
    if not sign:
        query, sign, threshold = monitor.query.partition(":")[2].rpartition(" >= ")
    now = int(time.time())
    async with httpx.AsyncClient(headers=headers) as client:
        answer = await client.get(
            f"{sandbox.urls['datadog']}/api/v1/query",
            params={"from": now - 300, "to": now, "query": query},
        )
    worst = {
        series["tag_set"][-1]: max(point[1] for point in series["pointlist"])
        for series in answer.json()["series"]
    }
    crossed = {
        tag
        for tag, value in worst.items()
        if value > float(threshold) or (sign == " >= " and value >= float(threshold))
    }
    if name != "memory_leak":  # a leak crosses its threshold only now and then
        assert crossed == {f"kube_deployment:{scenario.service}"}


async def test_what_recovered_by_itself_is_healthy_when_the_alert_arrives(sandbox: Sandbox) -> None:
    await sandbox.world.break_(scenarios()["recovered"])
    assert sandbox.world.health("checkout").condition == "healthy"
    await until(
        lambda: [e.transition for e in sandbox.datadog.events] == ["Triggered", "Recovered"]
    )


async def test_the_native_webhook_and_gitlabs_hook_reach_the_door(sandbox: Sandbox) -> None:
    got: list[tuple[str, dict[str, str], Any]] = []

    async def take(request: Request) -> Response:
        got.append((request.url.path, dict(request.headers), json.loads(await request.body())))
        return Response(status_code=202)

    door = Starlette(routes=[Route("/{rest:path}", take, methods=["POST"])])
    async with serve(door) as url, httpx.AsyncClient(base_url=sandbox.urls["control"]) as control:
        hooks = {
            "datadog_url": f"{url}/datadog-webhook",
            "datadog_token": "d",
            "gitlab_url": f"{url}/gitlab-webhook",
            "gitlab_token": "g",
        }
        assert (await control.post("/_sandbox/hooks", json=hooks)).status_code == 200
        assert len((await control.get("/_sandbox/scenarios")).json()) == len(scenarios())
        broken = await control.post("/_sandbox/break", json={"scenario": "oom"})
        assert broken.json()["state"]["services"]["cart"]["condition"] == "oom_killed"
        await propose_and_merge(sandbox, CART, "memory: 256Mi}", "memory: 512Mi}")
        await until(lambda: len(got) >= 5)
        unknown = await control.post("/_sandbox/break", json={"scenario": "nothing"})
        assert unknown.status_code == 400
    native = [
        body
        for path, headers, body in got
        if path == "/datadog-webhook" and headers["x-kfix-token"] == "d"
    ]
    assert [b["title"].split(" on ")[0] for b in native] == ["[Triggered", "[Recovered"]
    assert "tags" not in native[0]
    hooks_seen = [
        body
        for path, headers, body in got
        if path == "/gitlab-webhook" and headers["x-gitlab-token"] == "g"
    ]
    assert [b["object_attributes"]["action"] for b in hooks_seen] == ["open", "approved", "merge"]


async def test_a_fault_is_switched_on_over_http(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient() as client:
        control = f"{sandbox.urls['control']}/_sandbox/faults"
        fault = {"service": "gitlab", "kind": "error", "status": 503, "times": 1}
        await client.post(control, json=fault)
        headers = {"PRIVATE-TOKEN": sandbox.tokens["gitlab"]}
        statuses = [
            (await client.get(f"{sandbox.urls['gitlab']}/api/v4/user", headers=headers)).status_code
            for _ in range(2)
        ]
    assert statuses == [503, 200]


def test_the_command_says_where_it_is_and_stops_on_request() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--with-parent"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        assert line["event"] == "sandbox.ready"
        assert line["environment"]["KFIX_GITLAB_URL"] == line["urls"]["gitlab"]
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0
        process.stdout.close()  # type: ignore[union-attr]
