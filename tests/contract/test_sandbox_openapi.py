"""The sandbox's Datadog and K-Fix's client are held against Datadog's own OpenAPI descriptions."""

from __future__ import annotations

import itertools
import json
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from enrich.adapters.datadog import DatadogEvidence
from kfix.infra.clients.datadog import open_datadog
from kfix.infra.settings import DatadogConnection
from sandbox import datadog as sandbox_datadog
from sandbox.datadog.api import routes
from sandbox.datadog.state import (
    CustomVariable,
    Datadog,
    Downtime,
    Event,
    LogLine,
    Objective,
    SyntheticsTest,
    Webhook,
)
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.serving import serve
from sandbox.world import Pace
from schemas import errors
from schemas.alerts import Alert
from tools.realparts import openapi

pytestmark = pytest.mark.openapi

NAMES = {
    "kube_cluster_name": "prod-eu",
    "kube_namespace": "shop",
    "kube_deployment": "cart",
    "service": "cart",
    "env": "prod",
}
#: Names of path parameters as Datadog's descriptions have them.
PARAMETERS = {
    "/api/v1/monitor/{id}": "/api/v1/monitor/{monitor_id}",
    "/api/v1/slo/{id}": "/api/v1/slo/{slo_id}",
    "/api/v1/synthetics/tests/{id}": "/api/v1/synthetics/tests/{public_id}",
    "/api/v1/events/{id}": "/api/v1/events/{event_id}",
    "/api/v2/events/{id}": "/api/v2/events/{event_id}",
    "/api/v2/monitor/{id}/downtime_matches": "/api/v2/monitor/{monitor_id}/downtime_matches",
}


def described_path(path: str) -> str:
    """The sandbox's path as the descriptions write it."""
    plain = path.replace(":int}", "}")
    hooks = plain.replace("/webhooks/{name}", "/webhooks/{webhook_name}")
    variables = hooks.replace("-variables/{name}", "-variables/{custom_variable_name}")
    return PARAMETERS.get(plain, variables)


@pytest.fixture(scope="session")
def described() -> Any:
    """Datadog's descriptions. Skips where they cannot be had, fails there when nothing may skip."""
    try:
        documents = openapi.descriptions({described_path(path) for _, path in routes(Datadog())})
    except openapi.Unobtainable as why:
        if os.environ.get("KFIX_TEST_STRICT") == "1":
            raise
        pytest.skip(str(why))
    from tests.support.openapi import Described

    return Described(documents)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(pace=Pace(tick_s=600, index_s=0)) as found:
        yield found


@asynccontextmanager
async def recorded(dd: Datadog) -> AsyncIterator[tuple[str, Any]]:
    """The service's address, and what is asked and answered there."""
    from tests.support.openapi import Recording

    recording = Recording(sandbox_datadog.create_app(dd))
    async with serve(recording) as url:
        yield url, recording.exchanges


def faults(described: Any, exchanges: list[Any]) -> list[str]:
    return list(itertools.chain.from_iterable(map(described.faults, exchanges)))


@asynccontextmanager
async def evidence(url: str, dd: Datadog) -> AsyncIterator[DatadogEvidence]:
    keys = {"api_key": SecretStr(dd.api_key), "app_key": SecretStr(dd.app_key)}
    connection = DatadogConnection(_env_file=None, url=url, **keys)  # type: ignore[arg-type, call-arg]
    async with open_datadog(connection) as client:
        yield DatadogEvidence(
            client, app_url="", lookback=timedelta(hours=1), log_events=300, monitor_events=5
        )


async def test_whatever_is_asked_about_an_alert_is_as_datadog_describes_it(
    described: Any, sandbox: Sandbox
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    dd = sandbox.datadog
    tags = tuple(f"{name}:{value}" for name, value in NAMES.items())
    dd.logs += [LogLine(time.time() - n / 10, f"line {n}", "cart", tags=tags) for n in range(400)]
    now = datetime.now(UTC)
    async with recorded(dd) as (url, exchanges), evidence(url, dd) as datadog:
        alert = await datadog.complete(Alert(notification_id=str(event.id), title="t"))
        monitor = await datadog.monitor(alert.rule.id)
        logs = await datadog.logs(NAMES, now)
        series = await datadog.metrics(NAMES, now)
    assert monitor.thresholds
    assert sum(len(one.lines) for one in logs) == 300
    assert {s.metric for s in series} >= {"kubernetes.memory.usage", "trace.grpc.server"}
    paths = [re.sub(r"\d{2,}", "…", e.path) for e in exchanges]
    assert paths.count("/api/v2/logs/events") == 2
    assert set(paths) == {
        "/api/v1/metrics",
        "/api/v1/monitor/…",
        "/api/v1/query",
        "/api/v2/events",
        "/api/v2/logs/events",
    }
    assert faults(described, exchanges) == []


async def test_refusals_are_as_described_and_become_failures_of_their_kind(
    described: Any, sandbox: Sandbox
) -> None:
    dd = sandbox.datadog
    now = datetime.now(UTC)
    async with recorded(dd) as (url, exchanges):
        async with evidence(url, dd) as datadog:
            with pytest.raises(errors.NotFound):
                await datadog.monitor("99")
            with pytest.raises(errors.NotFound):
                await datadog.complete(Alert(notification_id="1", title="t"))
            dd.limit_of("query").limit = 0
            with pytest.raises(errors.RateLimited) as limited:
                await datadog.metrics(NAMES, now)
        dd.app_key = "another"
        async with evidence(url, Datadog()) as datadog:
            with pytest.raises(errors.Unauthorized):
                await datadog.logs(NAMES, now)
        headers = {"dd-api-key": dd.api_key, "dd-application-key": dd.app_key}
        dd.limit_of("query").limit = 10
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            await client.get("/api/v1/query", params={"from": 1, "to": 2, "query": "avg:oops{"})
    assert limited.value.retry_after_s
    assert sorted(e.status for e in exchanges if e.status >= 400) == [400, 403, 404, 429]
    assert faults(described, exchanges) == []


def _formulas(kind: str) -> Any:
    end = int(time.time() * 1000)
    query = {"data_source": "metrics", "name": "a", "query": "avg:kubernetes.memory.usage{*}"}
    more = {"interval": 60_000} if kind == "timeseries" else {}
    query |= {} if kind == "timeseries" else {"aggregator": "max"}
    asked = {"from": end - 600_000, "to": end, "queries": [query], "formulas": [{"formula": "a"}]}
    return {"data": {"type": f"{kind}_request", "attributes": {**asked, **more}}}


SEARCH = {"filter": {"query": "*", "from": "now-1d", "to": "now"}, "page": {"limit": 3}}
HOOKS = "/api/v1/integration/webhooks/configuration/webhooks"
VARIABLES = "/api/v1/integration/webhooks/configuration/custom-variables"
EVERYTHING: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/api/v1/validate", {}),
    ("GET", "/api/v1/monitor", {"group_states": "all", "page": 0, "page_size": 2}),
    ("GET", "/api/v1/monitor/search", {"query": "status:Alert"}),
    ("GET", "/api/v1/monitor/4102", {"group_states": "all"}),
    ("GET", "/api/v1/slo/slo-1", {}),
    ("GET", "/api/v1/synthetics/tests/abc-def-ghi", {}),
    ("GET", "/api/v1/events", {"start": 1, "end": 4_000_000_000}),
    ("POST", "/api/v1/events", {"title": "t", "text": "x", "tags": ["a:b"]}),
    ("GET", "/api/v1/events/77", {}),
    ("GET", "/api/v2/events", {"filter[query]": "*", "page[limit]": 1}),
    ("POST", "/api/v2/events/search", SEARCH),
    ("GET", "/api/v2/events/AQ77", {}),
    ("GET", "/api/v1/query", {"from": 1, "to": 99, "query": "avg:kubernetes.memory.usage{*}"}),
    ("GET", "/api/v1/metrics", {"from": 4_000_000, "tag_filter": "service:cart AND env:prod"}),
    ("POST", "/api/v2/query/timeseries", _formulas("timeseries")),
    ("POST", "/api/v2/query/scalar", _formulas("scalar")),
    ("GET", "/api/v2/logs/events", {"filter[query]": "service:cart", "page[limit]": 2}),
    ("POST", "/api/v2/logs/events/search", SEARCH),
    ("GET", "/api/v2/downtime", {"current_only": "true"}),
    ("GET", "/api/v2/monitor/4102/downtime_matches", {}),
    ("POST", HOOKS, {"name": "new", "url": "https://k-fix.test/hook", "encode_as": "json"}),
    ("GET", f"{HOOKS}/kfix", {}),
    ("PUT", f"{HOOKS}/kfix", {"payload": '{"id": "$ID"}'}),
    ("DELETE", f"{HOOKS}/kfix", {}),
    ("POST", VARIABLES, {"name": "NEW", "value": "v", "is_secret": True}),
    ("GET", f"{VARIABLES}/TOKEN", {}),
    ("PUT", f"{VARIABLES}/TOKEN", {"value": "w"}),
    ("DELETE", f"{VARIABLES}/TOKEN", {}),
)


async def test_every_answer_of_the_sandbox_is_as_datadog_describes_it(
    described: Any, sandbox: Sandbox
) -> None:
    dd = sandbox.datadog
    await sandbox.world.break_(scenarios()["oom"], notify=False)
    dd.events.append(Event(77, "deployed", "cart 2.3.1", time.time(), source="api"))
    dd.webhooks["kfix"] = Webhook("kfix", "https://k-fix.test/hook")
    dd.variables["TOKEN"] = CustomVariable("TOKEN", "t", True)
    dd.downtimes.append(
        Downtime("5f0a2b8e-0000-4000-8000-000000000001", "env:prod", 1.0, None, 4102)
    )
    dd.objectives["slo-1"] = Objective("slo-1", "Cart answers", (4102,))
    dd.objectives["slo-2"] = Objective("slo-2", "Hits", (), "sum:a{*}", "sum:b{*}")
    dd.tests["abc-def-ghi"] = SyntheticsTest("abc-def-ghi", "front", "https://shop.test/", "api", 7)
    headers = {"dd-api-key": dd.api_key, "dd-application-key": dd.app_key}
    async with (
        recorded(dd) as (url, exchanges),
        httpx.AsyncClient(base_url=url, headers=headers) as client,
    ):
        for method, path, asked in EVERYTHING:
            more = {"params": asked} if method in ("GET", "DELETE") else {"json": asked}
            await client.request(method, path, **more)  # type: ignore[arg-type]
    assert [str(e) for e in exchanges if e.status >= 400] == []
    forms = {(m, re.compile(re.sub(r"\{[^}]*\}", "[^/]+", p))) for m, p in routes(dd)}
    assert len(forms) == len(EVERYTHING)
    for method, form in forms:
        assert any(m == method and form.fullmatch(p) for m, p, _ in EVERYTHING), (method, form)
    listed = next(e for e in exchanges if e.path == "/api/v1/metrics")
    assert "trace.grpc.server.hits" in json.loads(listed.answer)["metrics"]
    assert faults(described, exchanges) == []


async def test_what_is_not_as_described_is_told(described: Any, sandbox: Sandbox) -> None:
    headers = {"dd-api-key": "a", "dd-application-key": "b"}
    async with (
        recorded(sandbox.datadog) as (url, exchanges),
        httpx.AsyncClient(base_url=url, headers=headers) as client,
    ):
        await client.get("/api/v1/query", params={"from": "noon"})
        await client.get("/api/v3/unknown")
    wrong = [
        exchanges[0].__class__(
            **{**_fields(exchanges[0]), "status": 200, "answer": b'{"series": 1}'}
        ),
        exchanges[1],
    ]
    told = faults(described, wrong)
    assert len(told) == 3
    assert "no description has this path" in told[2]


def _fields(exchange: Any) -> dict[str, Any]:
    return {name: getattr(exchange, name) for name in exchange.__slots__}
