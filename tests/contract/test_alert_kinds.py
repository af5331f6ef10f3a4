"""Every kind of Datadog's alerts on the real way: the door, then enrich against the sandbox company, then decide's rules."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
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
from sandbox.running import running
from sandbox.world import Pace
from schemas.alerts import RawAlert
from schemas.context import ContextBundle
from tests.support.alert_kinds import data, furnish, payload_of
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


async def _all(folder: Path) -> dict[str, Told]:
    async with running(pace=Pace(tick_s=600)) as sandbox:
        furnish(sandbox)
        os.environ.update(sandbox.environment)
        os.environ["KFIX_DATABASE_URL"] = f"sqlite:///{folder}/kfix.db"
        os.environ["KFIX_INGEST_DATADOG_TOKENS"] = TOKEN
        kept = Kept()
        async with open_door() as door:
            transport = httpx.ASGITransport(build_app(door, kept))
            headers = {"X-KFix-Token": TOKEN, "content-type": "application/json"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://door", headers=headers
            ) as client:
                for number in range(len(ALERTS)):
                    body = json.dumps(payload_of(number))
                    answer = await client.post("/datadog-webhook", content=body)
                    assert answer.status_code == 202, answer.text
        assert not kept.letters
        found: dict[str, Told] = {}
        async with open_sources() as opened:
            for one, record in zip(ALERTS, kept.records, strict=True):
                assert isinstance(record, RawAlert)
                sources = opened.sources_for(record)
                bundle = await gather(record, sources, opened.rules, opened.deadline_s)
                verdict = core.answer(bundle)
                found[one["kind"]] = (bundle, verdict)
        return found


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
