"""The sandbox's own API, below ``/_sandbox``: what can be broken, what is broken, faults, merging as a reviewer.

People and the demo use it over HTTP; tests mostly hold the ``Sandbox`` itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import KINDS, Fault
from sandbox.gitlab.state import Hook, MergeRequest, instant
from sandbox.scenario import scenarios
from sandbox.serving import BadBody, json_body, reply
from schemas.base import Json

if TYPE_CHECKING:
    from sandbox.running import Sandbox

Endpoint = Callable[[Request], Awaitable[Response]]


class BadOrder(ValueError):
    """The request asks for something that is not there."""


def create_app(sandbox: Sandbox) -> ASGIApp:
    """The control API of one running sandbox."""
    api = _Control(sandbox)
    table: tuple[tuple[str, str, Endpoint], ...] = (
        ("GET", "/_sandbox/scenarios", api.scenarios),
        ("GET", "/_sandbox/state", api.state),
        ("POST", "/_sandbox/break", api.break_),
        ("POST", "/_sandbox/ease", api.ease),
        ("POST", "/_sandbox/merge", api.merge),
        ("POST", "/_sandbox/hooks", api.hooks),
        ("POST", "/_sandbox/faults", api.switch_on),
        ("DELETE", "/_sandbox/faults", api.clear),
    )
    return Starlette(routes=[Route(p, _guarded(call), methods=[m]) for m, p, call in table])


def _guarded(call: Endpoint) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            return await call(request)
        except (BadBody, ValueError, KeyError) as error:
            return reply({"error": str(error)}, 400)

    return endpoint


class _Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def scenarios(self, request: Request) -> Response:
        return reply(
            [
                {
                    "name": s.name,
                    "title": s.title,
                    "service": s.service,
                    "expected": s.expected.status,
                    "rule": s.rule,
                }
                for s in scenarios().values()
            ]
        )

    async def state(self, request: Request) -> Response:
        return reply(state_of(self._sandbox))

    async def break_(self, request: Request) -> Response:
        """``source``: who watches the service, ``datadog`` unless it is ``prometheus``."""
        body = await json_body(request)
        name = str(body["scenario"])
        if name not in scenarios():
            raise BadOrder(f"no scenario {name}; there are {', '.join(scenarios())}")
        notify = body.get("notify", True) is True
        growth = float(str(body.get("growth", 1.0)))
        scenario, world = scenarios()[name], self._sandbox.world
        if body.get("source") == "prometheus":
            await world.trouble(scenario, growth=growth)
            self._sandbox.alertmanager.routed.add(scenario.service)
            return reply({"state": state_of(self._sandbox)})
        event = await world.break_(scenario, notify=notify, growth=growth)
        return reply(
            {"event_id": str(event.id), "title": event.title, "state": state_of(self._sandbox)}
        )

    async def ease(self, request: Request) -> Response:
        self._sandbox.world.ease(str((await json_body(request))["service"]))
        return reply(state_of(self._sandbox))

    async def merge(self, request: Request) -> Response:
        """Approves and merges through GitLab's API with a reviewer's token; the newest open one unless ``iid``."""
        iid = (await json_body(request)).get("iid")
        opened = [m for m in self._sandbox.project.merge_requests if m.state == "opened"]
        found = [m for m in opened if iid in (None, m.iid)]
        if not found:
            raise BadOrder("no open merge request")
        answer = await merge_as_reviewer(self._sandbox, found[-1].iid)
        return reply(answer, 200 if answer.get("state") == "merged" else 409)

    async def hooks(self, request: Request) -> Response:
        """Tells Datadog's webhook, Alertmanager's receiver and GitLab's hook where to send, and with which secrets."""
        body = {key: str(value) for key, value in (await json_body(request)).items()}
        self._sandbox.connect(**body)
        return reply({"ok": True})

    async def switch_on(self, request: Request) -> Response:
        body = await json_body(request)
        kind = next((k for k in KINDS if k == body.get("kind")), None)
        if kind is None:
            raise BadOrder(f"kind is one of {', '.join(KINDS)}")
        times = body.get("times")
        fault = Fault(
            service=str(body["service"]),
            kind=kind,
            route=str(body.get("route", "")),
            method=str(body.get("method", "")),
            status=int(str(body.get("status", 500))),
            seconds=float(str(body.get("seconds", 1.0))),
            times=None if times is None else int(str(times)),
        )
        self._sandbox.faults.switch_on(fault)
        return reply({"active": len(self._sandbox.faults.active)})

    async def clear(self, request: Request) -> Response:
        self._sandbox.faults.clear(request.query_params.get("service", ""))
        return reply({"active": len(self._sandbox.faults.active)})


async def merge_as_reviewer(sandbox: Sandbox, iid: int) -> dict[str, Json]:
    """GitLab's answer to the merge."""
    base = f"{sandbox.urls['gitlab']}/api/v4/projects/{sandbox.project.id}/merge_requests/{iid}"
    headers = {"PRIVATE-TOKEN": sandbox.tokens["gitlab_reviewer"]}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=10) as client:
        await client.post(f"{base}/approve")
        answer = (await client.put(f"{base}/merge", json={})).json()
    return answer if isinstance(answer, dict) else {"error": str(answer)}


def state_of(sandbox: Sandbox) -> dict[str, Json]:
    """Services, monitors, merge requests, messages and deliveries, for people and for the demo."""
    world = sandbox.world
    services: dict[str, Json] = {}
    for name, workload in world.workloads.items():
        regime = workload.history.regimes[-1]
        services[name] = {
            "condition": regime.health.condition,
            "reason": regime.health.reason,
            "replicas": regime.health.replicas,
            "ready": regime.health.ready,
            "latency_ms": round(regime.health.latency_ms, 1),
            "error_ratio": round(regime.health.error_ratio, 4),
            "since": instant(regime.since),
        }
    monitors: list[Json] = [
        {"id": m.id, "name": m.name, "group": group, "status": g.status}
        for m in sandbox.datadog.monitors.values()
        for group, g in m.groups.items()
    ]
    return {
        "services": services,
        "monitors": monitors,
        "merge_requests": [_merge_request(sandbox, m) for m in sandbox.project.merge_requests],
        "slack": [{"channel": m.channel, "text": m.text} for m in sandbox.slack.messages],
        "teams": len(sandbox.teams.cards) + len(sandbox.teams.legacy_cards),
        "datadog_deliveries": [
            {"status": d.status, "attempts": d.attempts} for d in world.deliveries
        ],
        "alertmanager_deliveries": [
            {"status": d.status, "attempts": d.attempts, "alerts": d.alerts}
            for d in sandbox.alertmanager.deliveries
        ],
        "gitlab_deliveries": [
            {"event": d.event, "status": d.status} for d in sandbox.gitlab.deliveries
        ],
        "applied": world.applied,
    }


def _merge_request(sandbox: Sandbox, mr: MergeRequest) -> Json:
    return {
        "iid": mr.iid,
        "state": mr.state,
        "title": mr.title,
        "branch": mr.source_branch,
        "labels": list(mr.labels),
        "notes": len(mr.notes),
        "description": mr.description,
        "diff": sandbox.project.repository.diff(mr.diff_base, mr.sha),
        "url": f"{sandbox.gitlab.url}/{sandbox.project.path}/-/merge_requests/{mr.iid}",
    }


def hook_for(sandbox: Sandbox, url: str, token: str, signing_token: str) -> Hook:
    """A GitLab hook for merge requests, notes and pipelines."""
    return Hook(sandbox.gitlab.next_id(), url, token, signing_token)
