"""What the river costs on top of the thinking, and how long an alert takes to become a merge request.

Throughput: the stages' cores (assemble, diagnose, examine, describe) as stages on a broker, with whole records and no
network, against the same functions called in a plain loop, in the same run. Latency: the real stages with the sandbox,
from the webhook to the merge request, one incident after the other.

    python -m tools.bench chain                                       embedded broker
    KFIX_BENCH_BOOTSTRAP=127.0.0.1:9092 python -m tools.bench chain   Apache Kafka
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import uvloop

from decide import core as decide_core
from enrich.adapters.capture import Capture, read_capture
from enrich.adapters.documents import read_document
from enrich.core.bundle import GatheredEvidence, Rules, assemble
from ingest.sources.datadog.reading import alert_of
from kfix.engine import topics
from kfix.engine.broker.connection import Brokers
from kfix.engine.broker.embedded import connect
from kfix.engine.runtime.process import running
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Stage
from kfix.engine.wire import codec_for
from kfix.infra.forges.gitlab.dialect import DIALECT
from kfix.infra.settings import Kafka
from kfix.offline.diagnose import case_of
from publish.core.description import Page, description
from safety.adapters.schemas import PublishedSchemas
from safety.core import Policy
from safety.service.validation import examine_offline
from schemas.alerts import Alert, RawAlert
from schemas.context import ContextBundle
from schemas.identity import stable_id
from schemas.merge_requests import MergeRequestEvent
from schemas.plans import CandidatePlans, SecondOpinion
from schemas.validated import ValidatedPlans
from tools.bench import runtime

TITLE = "The whole chain against its cores in a plain loop; alert to merge request"
CASE = Path("tests/corpus/cases/oom-killed")
ALERTS = int(os.environ.get("KFIX_BENCH_ALERTS", "300"))
#: Rounds of latency: each breaks five services of a fresh company.
ROUNDS = int(os.environ.get("KFIX_BENCH_LATENCY_ROUNDS", "3"))
SCENARIOS = ("oom", "bad_image", "crash_loop_bad_config", "hpa_ceiling")


class Cores:
    """The four thinking steps, on one captured case."""

    def __init__(self) -> None:
        case = case_of(CASE)
        self.alert: Alert = alert_of(read_document(case.alert))
        self.capture: Capture = read_capture(case.dump, case.repository, case.folder)
        self.policy, self.schemas = Policy(), PublishedSchemas()

    def raw(self, number: int) -> RawAlert:
        """The capture's alert under a number of its own, as ingest writes it."""
        now = datetime.now(UTC)
        alert = self.alert.model_copy(
            update={
                "rule": self.alert.rule.model_copy(update={"group": f"n:{number}"}),
                "fingerprint": str(number),
            }
        )
        return RawAlert(
            event_id=f"dd-{number}", occurred_at=now, body_sha256="0" * 64, body=b"{}", alert=alert
        )

    def enrich(self, raw: RawAlert) -> ContextBundle:
        """The bundle of the capture's evidence."""
        found = self.capture
        return assemble(
            GatheredEvidence(
                alert=raw.alert,
                delivery_id=raw.event_id,
                received_at=raw.occurred_at,
                objects=found.objects,
                logs=tuple(found.logs),
                metrics=tuple(found.metrics),
                declared=tuple(found.declared),
            ),
            Rules(),
        )

    def decide(self, bundle: ContextBundle) -> CandidatePlans:
        """Diagnosis and plans by rules."""
        verdict = decide_core.diagnose(bundle)
        return decide_core.candidate(
            bundle,
            verdict,
            incident_id=f"inc-{bundle.trace_id}",
            fingerprint=stable_id("fp", bundle.trace_id),
            role="first",
            said=SecondOpinion(),
        )

    def safety(self, candidate: CandidatePlans) -> ValidatedPlans:
        """All checks that need nobody, on the capture's files."""
        return examine_offline(candidate, self.capture.files, self.policy, self.schemas)

    def publish(self, validated: ValidatedPlans) -> MergeRequestEvent:
        """The merge request's text, and the event that tells of it."""
        chosen = next((p for p in validated.plans if p.accepted), None)
        text = (
            description(
                validated, chosen, Page(language="en", dialect=DIALECT, incident_url="", hosts=())
            )
            if chosen
            else ""
        )
        return MergeRequestEvent(
            event_id=stable_id("mr", validated.event_id),
            occurred_at=validated.occurred_at,
            incident_id=validated.incident_id,
            action="opened",
            text=text,
        )

    def all(self, raw: RawAlert) -> MergeRequestEvent:
        """The four cores, one after the other."""
        return self.publish(self.safety(self.decide(self.enrich(raw))))


def stages(cores: Cores) -> list[Stage[None]]:
    """The cores as stages."""
    steps: list[tuple[str, Any, Any, Callable[[Any], Any]]] = [
        ("enrich", topics.ALERTS_RAW, topics.CONTEXT_BUNDLE, cores.enrich),
        ("decide", topics.CONTEXT_BUNDLE, topics.PLANS_CANDIDATE, cores.decide),
        ("safety", topics.PLANS_CANDIDATE, topics.PLANS_VALIDATED, cores.safety),
        ("publish", topics.PLANS_VALIDATED, topics.MR_EVENTS, cores.publish),
    ]
    made = []
    for name, reads, writes, think in steps:
        stage: Stage[None] = Stage(name, ports=nothing)
        handler = _handler(think)
        handler.__annotations__ |= {"record": reads.model, "return": writes.model}
        stage.handles(reads, writes=(writes,))(handler)
        made.append(stage)
    return made


def _handler(think: Callable[[Any], Any]) -> Callable[[Any, None], Any]:
    async def handle(record: Any, _: None) -> Any:
        return think(record)

    return handle


@asynccontextmanager
async def nothing() -> AsyncIterator[None]:
    """Ports of a stage that needs none."""
    yield None


def _lost(reason: str) -> NoReturn:
    raise SystemExit(f"the broker is gone: {reason}")


@asynccontextmanager
async def broker() -> AsyncIterator[Brokers]:
    """The one of ``KFIX_BENCH_BOOTSTRAP``, else an embedded broker of our own."""
    bootstrap = os.environ.get("KFIX_BENCH_BOOTSTRAP", "")
    kafka = Kafka(_env_file=None, bootstrap=bootstrap)
    async with connect(kafka, within_s=60, lost=_lost) as found:
        yield found


async def throughput() -> dict[str, float]:
    """Alerts per second in a loop and on the river, and what is left of the loop's pace."""
    cores = Cores()
    alerts = [cores.raw(number) for number in range(ALERTS)]
    cores.all(alerts[0])
    started = time.perf_counter()
    for alert in alerts:
        cores.all(alert)
    loop = ALERTS / (time.perf_counter() - started)
    async with broker() as found:
        kafka = found.kafka.model_copy(update={"prefix": f"b{uuid4().hex[:6]}.", "partitions": 4})
        brokers = Brokers(found.bootstrap, kafka, embedded=found.embedded)
        settings = kafka.model_copy(
            update={"bootstrap": found.bootstrap, "embedded": found.embedded}
        )
        codec = codec_for(kafka)
        values = [(topics.ALERTS_RAW.key(a).encode(), codec.encode(a)) for a in alerts]
        async with running(stages(cores), kafka=settings, settings=Runtime(_env_file=None)):
            started = time.time()
            await runtime.fill(brokers, brokers.named(topics.ALERTS_RAW.name), values)
            ended = await runtime.arrive(brokers, brokers.named(topics.MR_EVENTS.name), ALERTS)
    river = ALERTS / (ended - started)
    print(f"cores in a loop      {loop:8.1f} alerts/s")
    print(f"the river            {river:8.1f} alerts/s   ratio {river / loop:.2f}")
    return {"loop_per_s": loop, "river_per_s": river, "ratio": river / loop}


async def latency() -> dict[str, float]:
    """Seconds from the webhook's delivery to the merge request."""
    from tests.pipeline.harness import Cluster
    from tests.pipeline.river import River, company

    seconds: list[float] = []
    async with broker() as found:
        cluster = Cluster(found.bootstrap, embedded=found.embedded)
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as folder:
                async with company() as sandbox:
                    river = River(cluster, sandbox, Path(folder))
                    with river.worker():
                        seconds += [await _one(river, scenario) for scenario in SCENARIOS]
    seconds.sort()
    p50, p99 = statistics.median(seconds), seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))]
    print(f"alert to merge request, {len(seconds)} incidents: p50 {p50:.2f} s, p99 {p99:.2f} s")
    return {"latency_p50_s": p50, "latency_p99_s": p99}


async def _one(river: Any, scenario: str) -> float:
    count = len(river.branches())
    started = time.perf_counter()
    await river.break_(scenario)
    await river.until(lambda: len(river.branches()) > count, within_s=30, what=scenario)
    return time.perf_counter() - started


def run() -> dict[str, float]:
    """Both parts."""
    return uvloop.run(throughput()) | asyncio.run(latency())
