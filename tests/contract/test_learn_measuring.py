"""Looking at a merged fix through the official clients: the right one holds, the wrong one does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import gitlab
import pytest
from pydantic import SecretStr

from kfix.incident.alert_measures import watched
from kfix.incident.prometheus.labels import group_of, neutral
from kfix.infra.clients.datadog import open_datadog
from kfix.infra.clients.kubernetes import open_kubernetes
from kfix.infra.clients.prometheus import PrometheusConnection, open_prometheus
from kfix.infra.settings import DatadogConnection, KubernetesConnection
from learn.adapters.alerts import AlertsOfSource
from learn.adapters.datadog import DatadogAlerts, DatadogSignals
from learn.adapters.kubernetes import KubernetesState
from learn.adapters.prometheus import PrometheusAlerts
from learn.core.judgement import AlertReading, Judgement, judge
from sandbox.control import merge_as_reviewer
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.world import Pace
from schemas.alerts import Alert, FiredRule
from schemas.base import ObjectRef
from schemas.context import Monitor, Traffic
from schemas.merge_requests import Proposal
from schemas.plans import ActionPlan, Analysis, FieldChange, IncidentContext, KubernetesChange

_BASELINE_S = 300


@dataclass
class Looking:
    sandbox: Sandbox
    signals: DatadogSignals
    cluster: KubernetesState
    alerts: AlertsOfSource


@pytest.fixture
async def looking() -> AsyncIterator[Looking]:
    pace = Pace(sync_s=0.1, recovery_s=0.05, tick_s=0.03)
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running(pace=pace))
        datadog = DatadogConnection(
            _env_file=None,  # type: ignore[call-arg]
            url=sandbox.urls["datadog"],
            api_key=SecretStr(sandbox.datadog.api_key),
            app_key=SecretStr(sandbox.datadog.app_key),
        )
        kubernetes = KubernetesConnection(
            _env_file=None,  # type: ignore[call-arg]
            url=sandbox.urls["kubernetes"],
            token=SecretStr(sandbox.tokens["kubernetes"]),
        )
        prometheus = PrometheusConnection(
            _env_file=None,  # type: ignore[call-arg]
            url=sandbox.urls["prometheus"],
            token=SecretStr(sandbox.prometheus.token),
        )
        asked = await stack.enter_async_context(open_datadog(datadog))
        rules = await stack.enter_async_context(open_prometheus(prometheus))
        yield Looking(
            sandbox,
            DatadogSignals(asked),
            KubernetesState(await stack.enter_async_context(open_kubernetes(kubernetes))),
            AlertsOfSource([DatadogAlerts(asked), PrometheusAlerts(rules)]),
        )


async def merge(sandbox: Sandbox, path: str, old: str, new: str) -> None:
    """Puts a change into the repository as K-Fix's bot and a reviewer would, and waits for it to arrive."""

    def propose() -> int:
        client = gitlab.Gitlab(
            sandbox.urls["gitlab"], private_token=sandbox.tokens["gitlab"], timeout=5
        )
        repo: Any = client.projects.get(sandbox.project.path)
        text = repo.files.raw(path, ref="main").decode()
        assert text.count(old) == 1
        action = {"action": "update", "file_path": path, "content": text.replace(old, new)}
        branch = "kfix/incident-inc-1"
        repo.commits.create(
            {"branch": branch, "start_branch": "main", "commit_message": "fix", "actions": [action]}
        )
        made = repo.mergerequests.create(
            {"source_branch": branch, "target_branch": "main", "title": "fix"}
        )
        return int(made.iid)

    answer = await merge_as_reviewer(sandbox, await asyncio.to_thread(propose))
    assert answer["state"] == "merged"
    until = time.monotonic() + 5
    while sandbox.world.applied != sandbox.project.repository.resolve("main"):
        assert time.monotonic() < until, "the merge did not arrive"
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)


async def proposal(
    looking: Looking, failure_class: str, name: str, path: str, after: str
) -> Proposal:
    """What was proposed for a Deployment, with the baseline as Datadog tells it now."""
    ref = ObjectRef(
        api_version="apps/v1",
        kind="Deployment",
        namespace=looking.sandbox.world.company.namespace,
        name=name,
    )
    made = Proposal(
        context=IncidentContext(
            cluster=looking.sandbox.cluster.name,
            namespace=ref.namespace,
            service=name,
            alerted_at=datetime.now(UTC),
            traffic=Traffic(
                service=name,
                env="prod",
                operations=(looking.sandbox.world.company.services[name].operation,)
                if name in looking.sandbox.world.company.services
                else (),
            ),
        ),
        analysis=Analysis(failure_class=failure_class, object=ref, root_cause="r", confidence=0.9),
        plan=ActionPlan(
            plan_id="p",
            title="t",
            fix_kind="set_memory",
            confidence=0.9,
            justification="j",
            kubernetes_changes=(
                KubernetesChange(object=ref, fields=(FieldChange(path=path, after=after),)),
            ),
        ),
    )
    now = datetime.now(UTC)
    before = await looking.signals.measure(made, now - timedelta(seconds=_BASELINE_S), now)
    return made.model_copy(update={"context": made.context.model_copy(update={"baseline": before})})


async def looked(looking: Looking, made: Proposal, merged_at: datetime) -> Judgement:
    """The check of ``learn``, once all its signals have a point after the merge."""
    until = time.monotonic() + 25
    while True:
        state = await looking.cluster.state(made, merged_at)
        # Points stand 10 s apart; the first may be from before the change arrived.
        since = merged_at + timedelta(seconds=1)
        after = await looking.signals.measure(made, since, datetime.now(UTC))
        found = judge(made.analysis.failure_class, state, made.context.baseline, after)
        if not found.unsettled or time.monotonic() > until:
            return found
        await asyncio.sleep(0.5)


CASES = [
    (
        "oom",
        "oom_killed",
        "cart",
        "apps/cart/cart.yaml",
        "memory: 256Mi}",
        "memory",
        [("memory: 384Mi}", "384Mi", "success"), ("memory: 272Mi}", "272Mi", "failure")],
    ),
    (
        "cpu_throttling",
        "cpu_throttling",
        "checkout",
        "apps/checkout/deployment.yaml",
        "cpu: 500m",
        "cpu",
        [("cpu: 800m", "800m", "success"), ("cpu: 510m", "510m", "failure")],
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "failure_class", "name", "file", "old", "resource", "new", "after", "result"),
    [(*case[:6], *fix) for case in CASES for fix in case[6]],
)
async def test_the_right_fix_holds_and_the_wrong_one_does_not(
    looking: Looking,
    scenario: str,
    failure_class: str,
    name: str,
    file: str,
    old: str,
    resource: str,
    new: str,
    after: str,
    result: str,
) -> None:
    await looking.sandbox.world.break_(scenarios()[scenario], notify=False)
    path = f"spec.template.spec.containers[name={name}].resources.limits.{resource}"
    made = await proposal(looking, failure_class, name, path, after)
    assert made.context.baseline["cpu_cores"] > 0
    assert {"latency_ms", "error_rate"} <= made.context.baseline.keys()
    assert (await looking.cluster.state(made, datetime.now(UTC))).arrived is False
    merged_at = datetime.now(UTC)
    await merge(looking.sandbox, file, old, new)
    found = await looked(looking, made, merged_at)
    assert found.result == result, found


async def test_a_workload_that_is_not_there_is_not_healthy_and_its_change_not_arrived(
    looking: Looking,
) -> None:
    made = await proposal(looking, "oom_killed", "nobody", "spec.replicas", "2")
    state = await looking.cluster.state(made, datetime.now(UTC))
    assert (state.arrived, state.healthy) == (False, None)
    assert await looking.signals.measure(made, datetime.now(UTC), datetime.now(UTC)) == {}


def of_alert(looking: Looking, made: Proposal, alert: Alert, query: str) -> Proposal:
    """The proposal with the alert that it is for, as decide keeps it."""
    monitor = Monitor(rule_id=alert.rule.id, query=query)
    context = made.context.model_copy(
        update={"watched": watched(alert, monitor), "tags": alert.labels}
    )
    return made.model_copy(update={"context": context})


async def until_state(
    looking: Looking, made: Proposal, since: datetime, state: str
) -> AlertReading:
    """The alert once it stands so; the last reading where it never does."""
    until = time.monotonic() + 20
    while True:
        found = await looking.alerts.reading(made, since, datetime.now(UTC))
        if found.state == state or time.monotonic() > until:
            return found
        await asyncio.sleep(0.3)


@pytest.mark.slow
async def test_datadog_s_monitor_and_its_measure_are_read_before_and_after_the_fix(
    looking: Looking,
) -> None:
    await looking.sandbox.world.break_(scenarios()["oom"], notify=False)
    path = "spec.template.spec.containers[name=cart].resources.limits.memory"
    made = await proposal(looking, "oom_killed", "cart", path, "384Mi")
    monitor = next(m for m in looking.sandbox.world.company.monitors if m.id == 4102)
    group = next(
        name
        for name, at in looking.sandbox.datadog.monitors[4102].groups.items()
        if at.status == "Alert"
    )
    alert = Alert(source="datadog", rule=FiredRule(id="4102", group=group))
    made = of_alert(looking, made, alert, monitor.query)
    assert (made.context.watched.side, made.context.watched.threshold) == (">", 95.0)
    since = datetime.now(UTC) - timedelta(minutes=10)
    before = await until_state(looking, made, since, "alerting")
    assert (before.state, before.beyond) == ("alerting", True), before
    merged_at = datetime.now(UTC)
    await merge(looking.sandbox, "apps/cart/cart.yaml", "memory: 256Mi}", "memory: 384Mi}")
    found = await until_state(looking, made, merged_at, "ok")
    assert found.state == "ok", found
    assert found.since is not None
    assert found.since >= merged_at - timedelta(seconds=1)


@pytest.mark.slow
async def test_prometheus_rule_and_its_measure_are_read(looking: Looking) -> None:
    await looking.sandbox.world.break_(scenarios()["oom"], notify=False)
    path = "spec.template.spec.containers[name=cart].resources.limits.memory"
    made = await proposal(looking, "oom_killed", "cart", path, "384Mi")
    looking.sandbox.prometheus.evaluate()
    active = next(
        a for a in looking.sandbox.prometheus.alerts if a.rule.name == "KubePodRestartsOften"
    )
    labels = neutral(active.labels)
    alert = Alert(
        source="alertmanager",
        rule=FiredRule(id="KubePodRestartsOften", group=group_of(labels)),
        labels=labels,
    )
    made = of_alert(looking, made, alert, active.rule.expr)
    since = datetime.now(UTC) - timedelta(minutes=5)
    found = await until_state(looking, made, since, "alerting")
    assert (found.state, found.beyond, made.context.watched.threshold) == ("alerting", True, 2.0)
    other = alert.model_copy(update={"rule": FiredRule(id="Nobody")})
    assert (
        await looking.alerts.reading(of_alert(looking, made, other, ""), since, since)
    ).state == ("unheard")
