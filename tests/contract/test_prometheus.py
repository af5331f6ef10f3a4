"""Prometheus through the real client, against the sandbox's API: rules, ranges, refusals, and what an alert's evidence is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from enrich.adapters.prometheus import PrometheusReads, PrometheusWatcher
from ingest.sources.alertmanager.reading import alert_of
from kfix.incident.measurements import measure
from kfix.infra.clients.prometheus import Prometheus, PrometheusConnection, open_prometheus
from learn.adapters.prometheus import PrometheusSignals
from sandbox.faults import Fault
from sandbox.prometheus.promql import SCRAPE_S
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.serving import serve
from sandbox.world import Pace
from schemas import errors
from schemas.alerts import Alert
from schemas.base import ObjectRef
from schemas.merge_requests import Proposal
from schemas.plans import ActionPlan, Analysis, IncidentContext

NAMES = {"kube_namespace": "shop", "kube_deployment": "checkout", "kube_cluster_name": "prod-eu"}


def connection(url: str, **more: Any) -> PrometheusConnection:
    given = {"token": SecretStr("sandbox-prometheus-token"), **more}
    return PrometheusConnection(_env_file=None, url=url, **given)  # type: ignore[call-arg]


@dataclass
class Watched:
    sandbox: Sandbox
    client: Prometheus

    def watcher(self) -> PrometheusWatcher:
        reads = PrometheusReads(self.client, "https://prometheus.example", timedelta(hours=1))
        return PrometheusWatcher(reads, keep_s=0.0)

    async def alert(self, service: str, name: str) -> Alert:
        """What Alertmanager would send now of the service's alert."""
        prometheus = self.sandbox.prometheus
        prometheus.evaluate()
        self.sandbox.alertmanager.routed.add(service)
        mine = [
            a
            for a in prometheus.alerts
            if a.rule.name == name
            and service in (a.labels.get("container"), a.labels.get("deployment"))
        ]
        payload = self.sandbox.alertmanager.payload(mine, prometheus.clock())
        return alert_of(payload["alerts"][0], payload)  # type: ignore[index, call-overload, arg-type]


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    async with AsyncExitStack() as stack:
        pace = Pace(sync_s=0.1, recovery_s=0.05, tick_s=0.03)
        sandbox = await stack.enter_async_context(running(pace=pace))
        opened = open_prometheus(connection(sandbox.urls["prometheus"]))
        yield Watched(sandbox, await stack.enter_async_context(opened))


async def test_the_alerts_rule_its_states_and_its_own_measure_are_evidence(
    watched: Watched,
) -> None:
    await watched.sandbox.world.trouble(scenarios()["cpu_throttling"])
    alert = await watched.alert("checkout", "CPUThrottlingHigh")
    assert alert.state == "firing"
    about = watched.watcher().about(alert, datetime.now(UTC))
    assert about.sent(alert)
    assert not about.sent(Alert(source="datadog"))
    monitor = await about.monitor(alert.rule.id)
    assert (monitor.name, monitor.overall_state) == ("CPUThrottlingHigh", "Alert")
    assert monitor.thresholds == {"critical": 0.25}
    assert monitor.group_states[alert.rule.group] == "Alert"
    assert len(monitor.group_states) >= 2, "each pod is a group of its own"
    assert len(monitor.history) == 1
    assert monitor.url.startswith("https://prometheus.example/graph?g0.expr=sum")
    series = await about.metrics(NAMES, alert.happened_at or datetime.now(UTC))
    own = [s for s in series if s.metric == "CPUThrottlingHigh"]
    assert [s.tags["pod_name"] for s in own] == [alert.labels["pod_name"]]
    assert monitor.query.startswith(own[0].query)
    assert max(v for v in own[0].values if v is not None) > 0.25
    asked = {s.metric for s in series} - {"CPUThrottlingHigh"}
    assert {
        "container_cpu_usage_seconds_total",
        "container_memory_working_set_bytes",
        "kube_pod_container_status_restarts_total",
        'kube_pod_container_resource_limits{resource="cpu"}',
        "http_requests_total",
        "http_request_duration_seconds",
    } <= asked
    assert all(s.tags["kube_deployment"] == "checkout" for s in series if s.metric in asked)
    assert await about.logs(NAMES, datetime.now(UTC)) == []


async def test_prometheus_and_datadog_measure_the_same_of_the_same_world(watched: Watched) -> None:
    await watched.sandbox.world.trouble(scenarios()["cpu_throttling"])
    about = watched.watcher().about(Alert(source="alertmanager"), datetime.now(UTC))
    now = datetime.now(UTC)
    found = measure(await about.metrics(NAMES, now), now.timestamp() - 300, now.timestamp())
    health = watched.sandbox.world.health("checkout")
    assert found["cpu_cores"] == pytest.approx(health.cpu_per_pod, rel=0.05)
    assert found["memory_mib"] == pytest.approx(health.memory_mib, rel=0.05)
    assert found["throttled_ratio"] == pytest.approx(health.throttled_ratio, rel=0.05)
    assert found["error_rate"] == pytest.approx(health.error_ratio, rel=0.1)
    assert found["latency_ms"] == pytest.approx(health.latency_ms, rel=0.05)


async def test_a_group_that_fired_and_does_not_any_more_is_ok(watched: Watched) -> None:
    world = watched.sandbox.world
    await world.trouble(scenarios()["oom"])
    alert = await watched.alert("cart", "KubeDeploymentReplicasMismatch")
    assert alert.labels["kube_deployment"] == "cart"
    assert "kube_service" not in alert.labels, "kube-state-metrics' own"
    world.ease("cart")
    await asyncio.sleep(1.1)
    clock = watched.sandbox.prometheus.clock
    watched.sandbox.prometheus.clock = lambda: clock() + SCRAPE_S
    watched.sandbox.prometheus.evaluate()
    monitor = await watched.watcher().about(alert, datetime.now(UTC)).monitor(alert.rule.id)
    assert monitor.group_states == {alert.rule.group: "OK"}
    assert monitor.overall_state == "OK"


async def test_a_group_that_never_fired_here_is_not_called_well(watched: Watched) -> None:
    alert = Alert(
        source="alertmanager",
        state="firing",
        rule={"id": "CPUThrottlingHigh", "group": "kube_namespace:other"},  # type: ignore[arg-type]
        labels={"kube_namespace": "other", "severity": "warning", "env": "prod"},
        happened_at=datetime.now(UTC) - timedelta(minutes=5),
    )
    about = watched.watcher().about(alert, datetime.now(UTC))
    monitor = await about.monitor(alert.rule.id)
    assert (monitor.group_states, monitor.overall_state) == ({}, "")


@pytest.mark.parametrize("name", ["Nobody", "", 'X"} or up{a="'])
async def test_a_rule_that_is_not_here_is_not_found(watched: Watched, name: str) -> None:
    alert = Alert(source="alertmanager", rule={"id": name})  # type: ignore[arg-type]
    about = watched.watcher().about(alert, datetime.now(UTC))
    with pytest.raises(errors.NotFound):
        await about.monitor(name)
    series = await about.metrics(NAMES, datetime.now(UTC))
    assert series
    assert not [s for s in series if s.metric == name]


async def test_after_a_merge_it_is_measured_alike_and_rates_tell_of_nothing_before_it(
    watched: Watched,
) -> None:
    about = ObjectRef(kind="Deployment", namespace="shop", name="checkout")
    now = datetime.now(UTC)
    made = Proposal(
        context=IncidentContext(namespace="shop", service="checkout", alerted_at=now),
        analysis=Analysis(failure_class="oom_killed", object=about, root_cause="r", confidence=0.9),
        plan=ActionPlan(
            plan_id="p",
            title="t",
            fix_kind="set_memory",
            confidence=0.9,
            justification="j",
            kubernetes_changes=(),
        ),
    )
    signals = PrometheusSignals(watched.client)
    long = await signals.measure(made, now - timedelta(minutes=20), now)
    assert {"cpu_cores", "memory_mib", "restarts", "latency_ms"} <= long.keys()
    short = await signals.measure(made, now - timedelta(minutes=2), now)
    assert short.keys() == {"memory_mib", "restarts"}
    assert await signals.measure(made, now, now) == {}


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault("prometheus", "error", status=503), errors.Unavailable),
        (Fault("prometheus", "error", status=403), errors.Unauthorized),
        (Fault("prometheus", "down"), errors.Unavailable),
        (Fault("prometheus", "malformed"), errors.Unavailable),
        (Fault("prometheus", "rate_limited", seconds=60), errors.RateLimited),
        (Fault("prometheus", "slow", seconds=5.0), errors.TimedOut),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
async def test_a_bad_day_is_a_typed_failure(
    watched: Watched, fault: Fault, failure: type[errors.KFixError]
) -> None:
    watched.sandbox.faults.switch_on(fault)
    now = datetime.now(UTC)
    opened = open_prometheus(connection(watched.sandbox.urls["prometheus"], timeout_s=0.3))
    async with opened as client:
        with pytest.raises(failure):
            await client.alerting_rules()
        with pytest.raises(failure):
            await client.query_range("up", now - timedelta(minutes=5), now)


async def test_one_failure_is_tried_again(watched: Watched) -> None:
    watched.sandbox.faults.switch_on(Fault("prometheus", "error", status=503, times=1))
    assert len(await watched.client.alerting_rules()) == 3
    assert watched.sandbox.faults.count("prometheus", "GET", "/rules") == 2


async def test_without_the_right_token_nothing_is_read(watched: Watched) -> None:
    wrong = connection(watched.sandbox.urls["prometheus"], token=SecretStr("wrong"))
    async with open_prometheus(wrong) as client:
        with pytest.raises(errors.Unauthorized):
            await client.alerting_rules()


def answering(body: Any, status: int = 200, seen: list[Request] | None = None) -> Starlette:
    async def said(request: Request) -> Response:
        if seen is not None:
            seen.append(request)
        return JSONResponse(body, status)

    return Starlette(routes=[Route("/{path:path}", said, methods=["GET", "POST"])])


RANGE = {"resultType": "matrix", "result": []}
SERIES = {"metric": {"a": "b"}, "values": [[1, "1.5"], [2, "NaN"], [3, "+Inf"]]}


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (400, {"status": "error", "errorType": "bad_data", "error": "x"}, errors.Rejected),
        (422, {"status": "error", "errorType": "execution", "error": "x"}, errors.Rejected),
        (422, {"status": "error", "errorType": "timeout", "error": "x"}, errors.TimedOut),
        (200, {"status": "error", "errorType": "internal", "error": "x"}, errors.Unavailable),
        (200, {"status": "error"}, errors.Rejected),
        (200, {"status": "success"}, errors.Unavailable),
        (200, {"status": "success", "data": {"resultType": "vector"}}, errors.Unavailable),
        (200, {"status": "success", "data": {**RANGE, "result": ["x"]}}, errors.Unavailable),
        (
            200,
            {"status": "success", "data": {**RANGE, "result": [{"metric": {}, "values": [["x"]]}]}},
            errors.Unavailable,
        ),
        (
            200,
            {"status": "success", "data": RANGE, "warnings": ["a store is away"]},
            errors.Unavailable,
        ),
        (200, {"status": "success", "data": {**RANGE, "result": [SERIES] * 3}}, errors.Rejected),
        (200, [], errors.Unavailable),
    ],
)
async def test_what_is_no_whole_answer_is_a_typed_failure(
    status: int, body: Any, failure: type[errors.KFixError]
) -> None:
    now = datetime.now(UTC)
    async with serve(answering(body, status)) as url, open_prometheus(connection(url)) as client:
        with pytest.raises(failure):
            await client.query_range("up", now - timedelta(minutes=5), now, series=2)


async def test_values_that_are_no_numbers_are_gaps_and_notes_on_a_query_no_failure() -> None:
    now = datetime.now(UTC)
    body = {
        "status": "success",
        "data": {**RANGE, "result": [SERIES]},
        "warnings": ["PromQL warning: bucket label is missing"],
    }
    async with serve(answering(body)) as url, open_prometheus(connection(url)) as client:
        (series,) = await client.query_range("up", now - timedelta(minutes=5), now)
    assert series.values == (1.5, None, None)


@pytest.mark.parametrize(
    ("settings", "authorization", "tenant"),
    [
        ({"token": SecretStr("t")}, "Bearer t", None),
        (
            {"token": SecretStr(""), "username": "u", "password": SecretStr("p"), "tenant": "a"},
            "Basic dTpw",
            "a",
        ),
        ({"token": SecretStr("")}, None, None),
    ],
)
async def test_it_says_who_it_is(
    settings: dict[str, Any], authorization: str | None, tenant: str | None
) -> None:
    seen: list[Request] = []
    app = answering({"status": "success", "data": {"groups": []}}, seen=seen)
    async with serve(app) as url, open_prometheus(connection(url, **settings)) as client:
        assert await client.alerting_rules() == []
    assert seen[0].headers.get("authorization") == authorization
    assert seen[0].headers.get("x-scope-orgid") == tenant


async def test_without_an_address_nothing_is_opened() -> None:
    with pytest.raises(errors.Unauthorized):
        async with open_prometheus(connection("")):
            pass


@pytest.mark.parametrize("name", [name for name, one in scenarios().items() if one.rule])
async def test_the_rule_of_a_scenario_fires_for_its_service_alone(
    watched: Watched, name: str
) -> None:
    scenario = scenarios()[name]
    watched.sandbox.prometheus.evaluate()
    assert watched.sandbox.prometheus.alerts == []
    await watched.sandbox.world.trouble(scenario)
    alert = await watched.alert(scenario.service, scenario.rule)
    assert (alert.rule.id, alert.state) == (scenario.rule, "firing")
    assert alert.labels["kube_namespace"] == "shop"
    told = {
        a.labels.get("container") or a.labels["deployment"]
        for a in watched.sandbox.prometheus.alerts
    }
    assert told == {scenario.service}
