"""R10: a node goes down and all of its pods' monitors say so at once: one incident, about the node."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.sources.datadog.reading import raw_alert
from kfix.engine import topics
from sandbox import crowd
from sandbox.faults import Capacity
from sandbox.rendering import Object
from sandbox.running import running
from sandbox.world import Pace
from schemas.alerts import RawAlert
from tests.pipeline.harness import Cluster, publish, stored
from tests.pipeline.river import River

PODS = 60


def alert_of(pod: Object, number: int) -> RawAlert:
    about = pod["metadata"]
    scope = (
        f"kube_cluster_name:prod-eu,kube_namespace:{about['namespace']},"
        f"kube_deployment:{about['labels']['app']},pod_name:{about['name']}"
    )
    document = {
        "id": str(9_000_000 + number),
        "alert_id": "4103",
        "alert_scope": scope,
        "alert_transition": "Triggered",
        "alert_cycle_key": str(1000 + number),
        "title": f"[Triggered on {{{scope}}}] Pods do not become ready",
        "tags": f"{scope},env:prod,monitor",
        "date": str(int(datetime.now(UTC).timestamp() * 1000)),
    }
    record = raw_alert(
        document,
        body=repr(document).encode(),
        content_type="application/json",
        received_at=datetime.now(UTC),
    )
    assert isinstance(record, RawAlert)
    return record


@pytest.mark.broker
@pytest.mark.slow
async def test_r10_a_node_down_with_sixty_alerts_of_its_pods_at_once_is_one_incident(
    embedded_cluster: Cluster, tmp_path: Path
) -> None:
    async with running(pace=Pace(tick_s=600), crowd=PODS) as sandbox:
        river = River(embedded_cluster, sandbox, tmp_path)
        lost = crowd.lose_node(sandbox.world, "node-a")
        pods = [pod for pod in lost if pod["metadata"]["namespace"] == "shop"][:PODS]
        alerts = [alert_of(pod, number) for number, pod in enumerate(pods)]
        random.Random(3).shuffle(alerts)
        assert len(alerts) == PODS
        sandbox.faults.capacities["kubernetes"] = Capacity(at_once=8, seconds=0.05, waiting=40)
        with river.worker():
            brokers = embedded_cluster.brokers(river.prefix)
            await publish(brokers, [(topics.ALERTS_RAW, alert) for alert in alerts])
            decided = await river.until_records(
                topics.PLANS_VALIDATED, lambda found: len(found) >= PODS, within_s=150
            )
            dead = [str(x) for t in topics.ALL for x in await stored(brokers, t.dlq)]
        assert {d.analysis and d.analysis.object.key for d in decided} == {"Node/node-a"}
        assert len({d.incident_id for d in decided}) == 1
        assert [d.role for d in decided].count("first") == 1
        assert river.branches() == []
        assert len(sandbox.slack.messages) == 1
        assert dead == []
