"""Posts webhooks to ingest's door and follows their records through enrich and decide; prints what became of each.

    PAYLOADS='[{…}, …]' TOKEN=… python -m tests.support.second_source PATH

Run where ingest has a source at PATH.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from typing import Any

import httpx

from decide import core
from enrich.adapters.unconfigured import NoObservability, NoRepository
from enrich.core.bundle import Rules
from enrich.ports import ClusterSources, Listing, Sources
from enrich.service.gathering import gather
from ingest.agent import build_app
from ingest.wiring import open_ports
from kfix.incident.cluster_names import Fleet, Own
from schemas.alerts import RawAlert
from schemas.base import Json
from schemas.context import LogExcerpt
from tests.support.decide.clusters import Cluster
from tests.support.enrich import NoMemory
from tests.support.ingest import Kept


class Broken:
    """A cluster in which the workload of the alert was killed for its memory."""

    def __init__(self) -> None:
        self.made = Cluster()
        self.made.namespace = "shop"
        self.made.app("api")
        self.made.crashed("api", 137, reason="OOMKilled")

    async def objects(self, namespace: str) -> Listing:
        return Listing({k: list(v) for k, v in self.made.objects.items()})

    async def logs(self, pods: Any) -> list[LogExcerpt]:
        return []


async def told(path: str, body: bytes) -> list[Json]:
    """Each answer of the door, and each record's way."""
    kept = Kept()
    out: list[Json] = []
    async with open_ports() as ports:
        transport = httpx.ASGITransport(build_app(ports, kept))
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            for token in ("wrong", os.environ["TOKEN"]):
                headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
                answer = await client.post(path, content=body, headers=headers)
                out.append({"status": answer.status_code, **answer.json()})
    out.append({"letters": [reason for _, _, reason, _ in kept.letters]})
    cluster = Broken()
    for record in kept.records:
        assert isinstance(record, RawAlert)
        sources = Sources(
            NoObservability(), {"eu-1": ClusterSources(cluster, NoRepository())}, NoMemory()
        )
        late = record.model_copy(update={"occurred_at": datetime.now(UTC)})
        bundle = await gather(late, sources, Rules(fleet=Fleet.of(Own("eu-1"))), 5.0)
        verdict = core.diagnose(bundle)
        analysis = verdict.analysis
        out.append(
            {
                "event": record.event_id,
                "source": record.alert.source_name,
                "state": record.alert.state,
                "cycle": bundle.cycle,
                "trouble": bundle.trouble,
                "subject": bundle.k8s_context.subject.key if bundle.k8s_context.subject else "",
                "class": analysis.failure_class if analysis else "",
            }
        )
    return out


if __name__ == "__main__":
    found = [
        asyncio.run(told(sys.argv[1], json.dumps(body).encode()))
        for body in json.loads(os.environ["PAYLOADS"])
    ]
    print(json.dumps(found))
