"""A storm on real Kafka and an overloaded API server: each trouble one incident and one merge request, and the next trouble
is not kept waiting."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.sources.datadog.reading import raw_alert
from kfix.engine import topics
from sandbox import crowd
from sandbox.datadog.notify import variables_of
from sandbox.datadog.state import Event
from sandbox.faults import Capacity, Fault
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.world import Pace
from schemas.alerts import RawAlert
from schemas.context import ContextBundle
from schemas.plans import CandidatePlans
from tests.pipeline.harness import Cluster, publish, stored
from tests.pipeline.river import River

TROUBLES = 50
DELIVERIES = 10_000
#: Each delivery comes twice: the sender repeats what it takes for lost.
EACH = DELIVERIES // TROUBLES // 2
PATIENT = {
    "KFIX_PUBLISH_OPEN_PER_PROJECT": "200",
    "KFIX_PUBLISH_OPENED_PER_HOUR": "1000",
    "KFIX_RUNTIME_STALL_S": "120",
    "KFIX_SAFETY_LOCK_CHECK_S": "15",
}


def deliveries(sandbox: Sandbox, event: Event, count: int) -> list[RawAlert]:
    """Notifications of one trouble, milliseconds apart, as K-Fix's template writes them."""
    said = variables_of(sandbox.datadog, event)
    body = {
        "id": said["ID"],
        "alert_id": said["ALERT_ID"],
        "alert_scope": said["ALERT_SCOPE"],
        "alert_transition": said["ALERT_TRANSITION"],
        "alert_cycle_key": said["ALERT_CYCLE_KEY"],
        "alert_type": said["ALERT_TYPE"],
        "title": said["EVENT_TITLE"],
        "tags": said["TAGS"],
        "date": said["DATE"],
        "org_id": said["ORG_ID"],
    }
    found = []
    for number in range(count):
        document = {**body, "last_updated": str(int(said["LAST_UPDATED"]) + number)}
        record = raw_alert(
            document,
            body=repr(document).encode(),
            content_type="application/json",
            received_at=datetime.now(UTC),
        )
        assert isinstance(record, RawAlert)
        found.append(record)
    return found


def service_of(bundle: ContextBundle) -> str:
    return bundle.alert.labels["kube_deployment"]


#: What holds for a whole namespace belongs to every workload in it.
SHARED = {"Namespace", "ResourceQuota", "LimitRange"}


def strangers(bundle: ContextBundle) -> list[str]:
    """Evidence in a bundle that belongs to another workload than its alert's."""
    service = service_of(bundle)
    found = [] if bundle.k8s_context.subject is None else [bundle.k8s_context.subject.name]
    found += [log.pod.rsplit("-", 2)[0] for log in bundle.logs if log.pod]
    found += [
        series.tags["kube_deployment"]
        for series in bundle.metrics
        if "kube_deployment" in series.tags
    ]
    own = [d.object for d in bundle.declared if d.object["kind"] not in SHARED]
    found += [declared["metadata"]["name"] for declared in own]
    return [name for name in found if name != service]


@pytest.mark.kafka
@pytest.mark.slow
async def test_r7_a_storm_is_as_many_incidents_as_troubles_and_the_next_one_is_not_kept_waiting(
    kafka_cluster: Cluster, tmp_path: Path
) -> None:
    pace = Pace(sync_s=600, recovery_s=600, tick_s=2.0)
    async with running(pace=pace, crowd=TROUBLES + 1) as sandbox:
        river = River(kafka_cluster, sandbox, tmp_path, **PATIENT)
        brokers = kafka_cluster.brokers(river.prefix)
        *stricken, last = crowd.names(TROUBLES + 1)
        events = crowd.strike(sandbox.world, scenarios()["oom"], stricken)
        storm = [raw for event in events for raw in deliveries(sandbox, event, EACH) * 2]
        random.Random(7).shuffle(storm)
        api_server = Capacity(at_once=8, seconds=0.02, waiting=16)
        sandbox.faults.capacities["kubernetes"] = api_server
        sandbox.faults.switch_on(Fault("kubernetes", "error", status=503, times=100))
        with river.worker():
            started = time.monotonic()
            await publish(brokers, [(topics.ALERTS_RAW, raw) for raw in storm])
            (late,) = crowd.strike(sandbox.world, scenarios()["oom"], [last])
            sent = time.monotonic()
            await publish(brokers, [(topics.ALERTS_RAW, deliveries(sandbox, late, 1)[0])])
            wanted = {f"apps/{name}/{name}.yaml" for name in (*stricken, last)}
            seen: dict[str, float] = {}

            def through() -> bool:
                for mr in sandbox.project.merge_requests[len(seen) :]:
                    seen[mr.source_branch] = time.monotonic()
                return len(seen) >= TROUBLES + 1

            try:
                await river.until(through, within_s=400, what="a merge request for each trouble")
            finally:
                print(f"{len(seen)} merge requests after {time.monotonic() - started:.0f} s")
            bundles = await river.records(topics.CONTEXT_BUNDLE)
            candidates = await river.records(topics.PLANS_CANDIDATE)
            dead = [str(x) for t in topics.ALL for x in await stored(brokers, t.dlq)]
        took = {branch: at - started for branch, at in seen.items()}
        the_troubles_are_told_apart(candidates)
        changed = Counter(
            path
            for mr in sandbox.project.merge_requests
            for path in paths(sandbox, mr.source_branch)
        )
        assert changed == Counter(wanted)
        told = Counter(message.text for message in sandbox.slack.messages)
        assert len(told) == TROUBLES + 1, [text for text in told if "fix proposed" not in text]
        assert dead == []
        assert {service_of(b): strangers(b) for b in bundles if strangers(b)} == {}
        # Repetitions cost no evidence. One of an alert that is asked again may be the very delivery, come a second time.
        alerts = {bundle.event_id: service_of(bundle) for bundle in bundles}
        assert Counter(alerts.values()) == Counter([*stricken, last])
        assert len(bundles) <= 2 * (TROUBLES + 1)
        assert api_server.refused == 0, "no more is asked at once than the API server takes"
        of_last = next(b for b in seen if f"apps/{last}/{last}.yaml" in paths(sandbox, b))
        next_took = seen[of_last] - sent
        assert next_took <= max(took.values()), "it waits no longer than the storm's own troubles"
        print(
            f"{len(storm)} deliveries; merge requests after {min(took.values()):.0f} to"
            f" {max(took.values()):.0f} s; the next trouble's {next_took:.0f} s after it came"
        )


def the_troubles_are_told_apart(candidates: list[CandidatePlans]) -> None:
    assert len({c.incident_id for c in candidates}) == TROUBLES + 1
    assert {(c.status, c.analysis and c.analysis.failure_class) for c in candidates} == {
        ("solution_proposed", "oom_killed")
    }


def paths(sandbox: Sandbox, branch: str) -> list[str]:
    """Files that a branch changes."""
    repository = sandbox.project.repository
    diff = repository.diff(repository.resolve("main"), repository.resolve(branch))
    return [line.removeprefix("+++ b/") for line in diff.splitlines() if line.startswith("+++ b/")]
