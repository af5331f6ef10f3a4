"""enrich against the sandbox through the official clients: whole bundles, and what happens when a source is in trouble."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from enrich.ports import EnrichPorts
from enrich.service.gathering import gather
from enrich.wiring import open_ports
from kfix.incident.measurements import measure
from kfix.infra.memory.opening import OpenedMemory, open_memory
from kfix.infra.store.engine import open_engine
from sandbox.faults import Fault, FaultKind
from sandbox.kubernetes.kinds import Kind
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.world import Pace
from schemas.alerts import Alert, RawAlert
from schemas.context import ContextBundle, Traffic
from schemas.identity import stable_id


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(pace=Pace(sync_s=0.1, recovery_s=0.05, tick_s=0.05, index_s=0)) as found:
        yield found


@asynccontextmanager
async def ports(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **more: str
) -> AsyncIterator[EnrichPorts]:
    url = f"sqlite:///{tmp_path / 'kfix.db'}"
    for name, value in {**sandbox.environment, "KFIX_DATABASE_URL": url, **more}.items():
        monkeypatch.setenv(name, value)
    async with open_ports() as opened:
        yield opened


def native(event_id: int | str) -> RawAlert:
    """What the native payload tells: an event id and a title."""
    return RawAlert(
        event_id=stable_id("dd", event_id),
        occurred_at=datetime.now(UTC),
        body_sha256="0" * 64,
        body=b"{}",
        template="native",
        alert=Alert(notification_id=str(event_id), title="[Triggered] something"),
    )


async def bundle_of(opened: EnrichPorts, event_id: int | str) -> ContextBundle:
    raw = native(event_id)
    return await gather(raw, opened.sources_for(raw), opened.rules, opened.deadline_s)


def states(bundle: ContextBundle) -> dict[str, str]:
    return {source.name: source.state for source in bundle.sources}


async def test_an_event_id_alone_becomes_a_whole_bundle(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        bundle = await bundle_of(opened, event.id)
    assert set(states(bundle).values()) == {"ok"}, bundle.sources
    assert bundle.k8s_context.subject is not None
    assert bundle.k8s_context.subject.key == "Deployment/shop/cart"
    assert bundle.alert.state == "firing"
    assert bundle.environment == "production"
    assert bundle.monitor is not None
    assert bundle.monitor.thresholds
    assert bundle.monitor.history
    objects = bundle.k8s_context.objects
    for kind in (
        "pods",
        "deployments",
        "replicasets",
        "events",
        "nodes",
        "resourcequotas",
        "limitranges",
    ):
        assert objects[kind], kind
    assert any(log.lines for log in bundle.logs)
    assert any(log.previous for log in bundle.logs)
    assert {s.metric for s in bundle.metrics} >= {
        "kubernetes.memory.usage",
        "kubernetes.cpu.usage.total",
    }
    assert bundle.declared[0].path == "apps/cart/cart.yaml"
    assert {change.kind for change in bundle.changes} >= {"commit"}
    assert bundle.links["monitor"].startswith(sandbox.urls["datadog"])
    assert "OOMKilled" in bundle.signature


async def test_an_event_that_is_indexed_late_is_found(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.datadog.index_s = 0.5
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        bundle = await bundle_of(opened, event.id)
        sandbox.datadog.index_s = 3600
        missing = await bundle_of(opened, event.id)
    assert (states(bundle)["datadog.event"], bundle.alert.state) == ("ok", "firing")
    (source,) = [s for s in missing.sources if s.name == "datadog.event"]
    assert (source.state, source.reason.partition(":")[0]) == ("missing", "not_indexed")


@pytest.mark.parametrize(
    ("scenario", "operation"),
    [
        ("oom", "grpc.server"),  # cart calls redis as well
        ("cpu_throttling", "servlet.request"),  # checkout calls others by http.request
    ],
)
async def test_the_traffic_of_a_service_is_found_under_its_own_tags_and_operation(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scenario: str,
    operation: str,
) -> None:
    event = await sandbox.world.break_(scenarios()[scenario], notify=False)
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        bundle = await bundle_of(opened, event.id)
    service = scenarios()[scenario].service
    assert bundle.traffic == Traffic(service=service, env="prod", operations=(operation,))
    traced = {s.metric: s for s in bundle.metrics if s.metric.startswith("trace.")}
    name = f"trace.{operation}"
    assert set(traced) == {name, f"{name}.hits", f"{name}.errors"}
    assert (traced[name].unit, traced[name].tags) == ("second", {})
    measured = measure(bundle.metrics, 0, 4e9)
    assert measured["latency_ms"] == pytest.approx(
        max(sandbox.world.health(service).latency_ms, 1.0), rel=0.6
    )
    assert 0 <= measured["error_rate"] < 0.2


async def test_operations_of_the_settings_are_asked_for_and_no_list_of_metrics(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    more = {"KFIX_DATADOG_APM_OPERATIONS": '["grpc.server", "http.request"]'}
    async with ports(sandbox, tmp_path, monkeypatch, **more) as opened:
        bundle = await bundle_of(opened, event.id)
    assert bundle.traffic.operations == ("grpc.server",)
    assert sandbox.faults.count("datadog", "GET", "/api/v1/metrics") == 0


async def test_a_list_of_metrics_that_is_refused_costs_the_traffic_alone(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    sandbox.datadog.limit_of("metrics").limit = 0
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        bundle = await bundle_of(opened, event.id)
    assert states(bundle)["datadog.metrics"] == "ok"
    assert "kubernetes.memory.usage" in {s.metric for s in bundle.metrics}
    assert bundle.traffic.operations == ()


async def test_trigger_and_recovery_of_a_native_alert_share_their_cycle(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    triggered = await sandbox.world.break_(scenarios()["cpu_throttling"], notify=False)
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        first = await bundle_of(opened, triggered.id)
        sandbox.world.ease(scenarios()["cpu_throttling"].service)
        for _ in range(100):
            await sandbox.world.tick()
            if sandbox.datadog.events[-1].transition == "Recovered":
                break
        again = await bundle_of(opened, sandbox.datadog.events[-1].id)
    assert again.alert.state == "resolved"
    assert again.cycle == first.cycle


async def test_the_number_of_calls_does_not_grow_with_the_cluster(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        await bundle_of(opened, event.id)
        before = sandbox.faults.count("kubernetes")
        pod = sandbox.cluster.list("pods", "shop")[0]
        for n in range(300):
            sandbox.cluster.put(
                {**pod, "metadata": {**pod["metadata"], "name": f"other-{n}", "uid": f"u{n}"}}
            )
        await bundle_of(opened, event.id)
    assert sandbox.faults.count("kubernetes") - before <= before + 6


async def test_kinds_of_addons_come_in_where_the_cluster_serves_them(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    version, name = "gateway.networking.k8s.io/v1", {"name": "front", "namespace": "shop"}
    sandbox.cluster.register(Kind(version, "httproutes", "HTTPRoute"))
    sandbox.cluster.put({"apiVersion": version, "kind": "HTTPRoute", "metadata": name})
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        bundle = await bundle_of(opened, event.id)
    assert states(bundle)["kubernetes.objects"] == "ok"
    assert [o["metadata"]["name"] for o in bundle.k8s_context.objects["httproutes"]] == ["front"]
    assert "virtualservices" not in bundle.k8s_context.objects


async def test_the_clusters_own_components_stand_beside_the_namespaces_pods(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    pod = sandbox.cluster.list("pods", "shop")[0]
    labels = {
        "coredns-1": {"k8s-app": "kube-dns"},
        "kube-proxy-1": {"k8s-app": "kube-proxy"},
        "kube-scheduler-a": {"component": "kube-scheduler", "tier": "control-plane"},
        "dashboard-1": {"k8s-app": "dashboard"},
    }
    for name, own in labels.items():
        place = {"name": name, "namespace": "kube-system", "labels": own, "uid": name}
        sandbox.cluster.put({**pod, "metadata": place})
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        bundle = await bundle_of(opened, event.id)
    pods = [o["metadata"] for o in bundle.k8s_context.objects["pods"]]
    system = {m["name"] for m in pods if m["namespace"] == "kube-system"}
    assert system == {"coredns-1", "kube-proxy-1", "kube-scheduler-a"}
    assert {m["namespace"] for m in pods} == {"kube-system", "shop"}
    assert {log.namespace for log in bundle.logs if log.source == "kubernetes"} <= {"shop"}


async def test_a_kind_that_may_not_be_read_is_named(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    sandbox.cluster.denied.add(("list", "ingressclasses"))
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        bundle = await bundle_of(opened, event.id)
    (source,) = [s for s in bundle.sources if s.name == "kubernetes.objects"]
    assert (source.state, "ingressclasses" in source.reason) == ("degraded", True)
    assert "ingressclasses" not in bundle.k8s_context.objects
    assert bundle.k8s_context.objects["pods"]


@pytest.mark.parametrize("service", ["kubernetes", "gitlab", "datadog"])
@pytest.mark.parametrize("kind", ["down", "error", "rate_limited", "malformed"])
async def test_a_source_in_trouble_is_named_and_blocks_nothing(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str, kind: FaultKind
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    async with ports(sandbox, tmp_path, monkeypatch, KFIX_ENRICH_SOURCE_DEADLINE_S="3") as opened:
        sandbox.faults.switch_on(Fault(service, kind, seconds=30))
        bundle = await bundle_of(opened, event.id)
    missing = {name for name, state in states(bundle).items() if state != "ok"}
    # With Datadog away nothing names the subject, so the repository is not even asked.
    assert missing
    assert all(name.startswith(service) for name in missing), bundle.sources
    assert all(source.reason for source in bundle.sources if source.state != "ok")


async def test_a_slow_source_is_given_up_at_its_deadline(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    async with ports(sandbox, tmp_path, monkeypatch, KFIX_ENRICH_SOURCE_DEADLINE_S="1") as opened:
        sandbox.faults.switch_on(Fault("gitlab", "slow", seconds=20))
        bundle = await bundle_of(opened, event.id)
    assert states(bundle)["gitlab"] == "missing"
    assert bundle.declared == ()


async def test_secrets_do_not_leave_this_stage(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    canary = "hunter2-canary-4711"
    sandbox.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "leaky", "namespace": "shop"},
            "data": {"DB_PASSWORD": canary, "url": f"postgres://app:{canary}@db/app"},
        }
    )
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        bundle = await bundle_of(opened, event.id)
    assert any(o["metadata"]["name"] == "leaky" for o in bundle.k8s_context.objects["configmaps"])
    assert canary not in bundle.model_dump_json()


async def test_earlier_incidents_are_recalled_with_what_worked_and_what_failed(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["oom"], notify=False)
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        first = await bundle_of(opened, event.id)
        engine = open_engine(f"sqlite:///{tmp_path / 'kfix.db'}")
        async with open_memory(engine) as memory:
            await remember(memory, first.signature, "inc-a", "success")
            await remember(memory, first.signature, "inc-b", "failure")
        engine.dispose()
        again = await bundle_of(opened, event.id)
    assert {s.incident_id for s in again.similar_incidents} == {"inc-a", "inc-b"}
    assert [p.incident_id for p in again.successful_patterns] == ["inc-a"]
    assert [p.incident_id for p in again.failed_patterns] == ["inc-b"]
    assert (
        again.lessons_learned == ("lesson of inc-a", "lesson of inc-b")
        or len(again.lessons_learned) == 2
    )


async def remember(memory: OpenedMemory, signature: str, incident: str, result: str) -> None:
    await memory.remember(
        incident,
        signature,
        {
            "incident_id": incident,
            "failure_class": "oom_killed",
            "fix_kind": "set_memory",
            "result": result,
            "lesson": f"lesson of {incident}",
            "at": "2026-01-01T00:00:00+00:00",
        },
    )


async def test_with_nothing_configured_the_bundle_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFIX_DATABASE_URL", f"sqlite:///{tmp_path / 'kfix.db'}")
    monkeypatch.setenv("KFIX_CLUSTER_NAME", "prod-eu")
    async with open_ports() as opened:
        bundle = await bundle_of(opened, "123")
    assert states(bundle)["observability.event"] == "missing"
    assert states(bundle)["kubernetes.objects"] == "missing"
    assert bundle.k8s_context.objects == {}
