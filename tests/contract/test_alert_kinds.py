"""Every kind of Datadog's alerts on the real way: the door, then enrich against the sandbox company, then decide's rules."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from decide import core
from decide.core.opinion import Verdict
from enrich.service.gathering import gather
from enrich.wiring import open_ports as open_sources
from ingest.agent import build_app
from ingest.wiring import open_ports as open_door
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.world import Pace
from schemas.alerts import RawAlert
from schemas.context import ContextBundle
from tests.support.alert_kinds import data, furnish, payload_of, recorded
from tests.support.ingest import Kept

ALERTS: list[dict[str, Any]] = data()["alerts"]
TOKEN = "token-of-datadog-31c0"
Told = tuple[ContextBundle, Verdict]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Told]]:
    """What became of every alert, by its kind."""
    before = dict(os.environ)
    yield asyncio.run(_all(tmp_path_factory.mktemp("kinds")))
    os.environ.clear()
    os.environ.update(before)


def _connect(sandbox: Sandbox, folder: Path) -> None:
    os.environ.update(sandbox.environment)
    os.environ["KFIX_DATABASE_URL"] = f"sqlite:///{folder}/kfix.db"
    os.environ["KFIX_INGEST_DATADOG_TOKENS"] = TOKEN
    os.environ["KFIX_ENRICH_INDEX_WAIT_S"] = "0"  # the payloads' events are nobody's


async def _delivered(payloads: Sequence[dict[str, Any]]) -> list[RawAlert]:
    kept = Kept()
    headers = {"X-KFix-Token": TOKEN, "content-type": "application/json"}
    async with open_door() as door:
        transport = httpx.ASGITransport(build_app(door, kept))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://door", headers=headers
        ) as client:
            for payload in payloads:
                answer = await client.post("/datadog-webhook", content=json.dumps(payload))
                assert answer.status_code == 202, answer.text
    assert not kept.letters
    return [record for record in kept.records if isinstance(record, RawAlert)]


async def _decided(records: Sequence[RawAlert]) -> list[Told]:
    found = []
    async with open_sources() as opened:
        for record in records:
            sources = opened.sources_for(record)
            bundle = await gather(record, sources, opened.rules, opened.deadline_s)
            found.append((bundle, core.answer(bundle)))
    return found


async def _all(folder: Path) -> dict[str, Told]:
    async with running(pace=Pace(tick_s=600)) as sandbox:
        furnish(sandbox)
        _connect(sandbox, folder)
        records = await _delivered([payload_of(number) for number in range(len(ALERTS))])
        told = await _decided(records)
    return {one["kind"]: found for one, found in zip(ALERTS, told, strict=True)}


def test_each_kind_is_written_once_and_there_are_enough() -> None:
    kinds = [one["kind"] for one in ALERTS]
    assert len(set(kinds)) == len(kinds) >= 40


@pytest.mark.parametrize("alert", ALERTS, ids=[one["kind"] for one in ALERTS])
def test_the_alert_is_about_what_is_written(alert: dict[str, Any], told: dict[str, Told]) -> None:
    bundle, verdict = told[alert["kind"]]
    subject, search = bundle.k8s_context.subject, bundle.search
    key = subject.key if subject is not None else ""
    candidates = sorted(one.object.key for one in search.candidates)
    if "ends" in alert:
        assert bundle.withheld.kind or verdict.reason == "another_cluster"
        assert bundle.withheld.kind in (alert["ends"], "")
        assert not verdict.plans
    elif "asks" in alert:
        assert (search.ending, key) == (alert["asks"], "")
        assert (verdict.status, verdict.plans) == ("needs_human", ())
        assert candidates == alert.get("candidates", [])
        assert all(name.rpartition("/")[2] in verdict.explanation for name in candidates)
    elif "measures" in alert:
        assert key in ("", alert["measures"])
        named = f"Namespace/{bundle.k8s_context.namespace}"
        assert search.ending in ("namespace", "node")
        assert (key or named) == alert["measures"]
    else:
        assert (key, search.ending) == (alert["subject"], "found")
        assert bundle.k8s_context.namespace == alert["subject"].split("/")[1]
        assert candidates == alert.get("candidates", [])
        assert bundle.k8s_context.objects["pods"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test puts into the environment is gone after it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.usefixtures("environment")
async def test_the_same_trouble_is_mended_by_whatever_name_and_never_in_anothers(
    tmp_path: Path,
) -> None:
    """A service is killed for its memory. Alerts that mean it lead to the same plan; those that do not, to none."""
    about = {
        "by service": {"tags": "env:prod,service:cart"},
        "by restarts of the namespace": {
            "alert_scope": "kube_namespace:shop",
            "alert_query": "max(last_5m):max:kubernetes.containers.restarts{*} by {kube_namespace} > 3",
        },
        "by quota of the namespace": {
            "alert_scope": "kube_namespace:shop",
            "alert_query": "max(next_1w):forecast(max:kubernetes_state.resourcequota.requests.cpu.used{*} by {kube_namespace}, 'linear', 1) >= 12",
        },
        "by another service": {"tags": "env:prod,service:payments"},
        "by node": {"alert_scope": "host:node-a"},
    }
    async with running(pace=Pace(tick_s=600)) as sandbox:
        await sandbox.world.break_(scenarios()["oom"], notify=False)
        _connect(sandbox, tmp_path)
        payloads = [
            {"id": str(n), "title": "[Triggered] Trouble", "alert_transition": "Triggered", **said}
            for n, said in enumerate(about.values(), 1)
        ]
        for payload in payloads:
            recorded(sandbox, payload)
        told = await _decided(await _delivered(payloads))
    found = {name: verdict for name, (_, verdict) in zip(about, told, strict=True)}
    objects = {
        name: {c.object.key for plan in v.plans for c in plan.kubernetes_changes}
        for name, v in found.items()
    }
    assert objects == {
        "by service": {"Deployment/shop/cart"},
        "by restarts of the namespace": {"Deployment/shop/cart"},
        "by quota of the namespace": set(),
        "by another service": set(),
        "by node": set(),
    }
    quota = found["by quota of the namespace"]
    assert quota.status == "needs_human"
    assert quota.analysis is not None
    assert "oom_killed" in {h.failure_class for h in quota.analysis.hypotheses}
