"""Incidents of the demo company as the topics keep them: made by the real stages' handlers, with what was heard for each."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from decide.agent import decide
from decide.ports import DecidePorts
from decide.wiring import open_ports as open_decide
from enrich.agent import enrich
from enrich.wiring import open_ports as open_enrich
from kfix.engine import topics
from kfix.engine.runtime import headers as hd
from kfix.engine.wire import Codec
from safety.agent import validate
from safety.ports import SafetyPorts
from safety.wiring import open_ports as open_safety
from sandbox import crowd
from sandbox.datadog.notify import Transition, change_state
from sandbox.datadog.state import Event
from sandbox.faults import Fault
from sandbox.running import Sandbox, running
from sandbox.scenario import Scenario, scenarios
from sandbox.world import Pace
from schemas import errors
from schemas.alerts import Alert, RawAlert
from schemas.base import Record
from schemas.context import ContextBundle
from schemas.plans import CandidatePlans
from schemas.validated import ValidatedPlans
from tests.support.broker import Cluster

#: Troubles of the company's own services, one at a time each.
_OWN = ("bad_image", "crash_loop_bad_config", "hpa_ceiling")
#: What may be wrong with one of the crowd, and how much of it.
_COMMON = {
    "oom": ("memory_mib", 270.0, 420.0),
    "memory_leak": ("leak_mib_per_min", 7.0, 12.0),
    "cpu_throttling": ("cpu_cores", 1.4, 3.0),
}
#: Who does not answer while every so many-th incident is examined.
_AWAY = (
    Fault("kubernetes", "error", method="PATCH", status=503),
    Fault("gitlab", "error", status=502),
    Fault("kubernetes", "error", route="resourcequotas", status=403),
)
_EVERY = 4


@dataclass(slots=True)
class Recorded:
    """What the stages wrote, in their order, with the event id of each cause."""

    bundles: list[ContextBundle] = field(default_factory=list)
    candidates: list[tuple[str, CandidatePlans]] = field(default_factory=list)
    validated: list[tuple[str, ValidatedPlans]] = field(default_factory=list)

    @property
    def incidents(self) -> set[str]:
        """Their ids."""
        return {candidate.incident_id for _, candidate in self.candidates}

    def decided(self, cause: str) -> tuple[CandidatePlans, ValidatedPlans]:
        """What became of a bundle."""
        candidate = next(found for at, found in self.candidates if at == cause)
        return candidate, next(v for at, v in self.validated if at == candidate.event_id)

    def values(self, codec: Codec) -> Iterator[tuple[str, bytes, bytes, dict[str, str]]]:
        """Topic, key, value and headers of all records, as the runtime sends them."""
        bundles: list[tuple[str, Record]] = [("", bundle) for bundle in self.bundles]
        traces = {bundle.trace_id: f"{n:032x}" for n, bundle in enumerate(self.bundles, 1)}
        for topic, records in (
            (topics.CONTEXT_BUNDLE, bundles),
            (topics.PLANS_CANDIDATE, self.candidates),
            (topics.PLANS_VALIDATED, self.validated),
        ):
            for cause, record in records:
                headers = {
                    hd.CAUSE: cause,
                    hd.EVENT_ID: record.event_id,
                    hd.INCIDENT: getattr(record, "incident_id", ""),
                    hd.TRACEPARENT: f"00-{traces[record.trace_id]}-{1:016x}-01",
                }
                yield topic.name, topic.key(record).encode(), codec.encode(record), headers

    def put_into(self, cluster: Cluster, codec: Codec) -> None:
        """The same into a stand-in for the broker, in topics of one partition."""
        for n, (topic, _, value, headers) in enumerate(self.values(codec)):
            cluster.put(topic, 0, n, value)
            last = next(reversed(cluster.records.values()))[-1]
            last.headers = (*hd.write(headers), *codec.headers.items())


@dataclass(slots=True)
class Recorder:
    """The stages over one company."""

    sandbox: Sandbox
    recorded: Recorded
    _enrich: object
    _decide: DecidePorts
    _safety: SafetyPorts

    async def alert(self, event: Event, *, away: Fault | None = None) -> None:
        """What the stages make of an event. ``away``: who does not answer while plans are examined."""
        raw = RawAlert(
            event_id=f"dd-{event.id}",
            occurred_at=datetime.now(UTC),
            body_sha256="0" * 64,
            body=b"{}",
            template="native",
            alert=Alert(notification_id=str(event.id), title=event.title),
        )
        bundle = await enrich(raw, self._enrich)  # type: ignore[arg-type]
        self.recorded.bundles.append(bundle)
        candidate = await decide(bundle, self._decide)
        if candidate is None:
            return
        self.recorded.candidates.append((bundle.event_id, candidate))
        self.sandbox.faults.active[:] = [away] if away is not None else []
        try:
            validated = await validate(candidate, self._safety)
        except errors.Unanswered as failure:
            validated = cast(ValidatedPlans, failure.otherwise)
        self.sandbox.faults.active.clear()
        self.recorded.validated.append((candidate.event_id, validated))

    def again(self, event: Event, transition: Transition) -> Event:
        """A later event of the same monitor and group."""
        datadog = self.sandbox.datadog
        monitor = datadog.monitors[event.monitor_id]
        return change_state(datadog, monitor, event.group, transition, tags=event.tags)


@asynccontextmanager
async def recorder(
    recorded: Recorded, services: int, patch: pytest.MonkeyPatch, folder: Path
) -> AsyncIterator[Recorder]:
    """A company with so many services more, and stages that were started on it; the settings stay as they were then."""
    pace = Pace(sync_s=600, recovery_s=600, tick_s=600)
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running(pace=pace, crowd=services))
        url = f"sqlite:///{folder / 'kfix.db'}"
        told = {**sandbox.environment, **sandbox.model_environment, "KFIX_DATABASE_URL": url}
        for variable, value in told.items():
            patch.setenv(variable, value)
        yield Recorder(
            sandbox,
            recorded,
            await stack.enter_async_context(open_enrich()),
            await stack.enter_async_context(open_decide()),
            await stack.enter_async_context(open_safety()),
        )


async def record(
    recorded: Recorded, *, seed: int, services: int, patch: pytest.MonkeyPatch, folder: Path
) -> None:
    """One company's incidents: its own troubles, one in each of the crowd; alerts that come again, recoveries, silences."""
    chance = random.Random(seed)
    async with recorder(recorded, services, patch, folder) as stages:
        for _ in range(seed * 1_000):
            stages.sandbox.datadog.next_event_id()  # no two companies have an event in common
        events = [
            await stages.sandbox.world.break_(scenarios()[name], notify=False) for name in _OWN
        ]
        for name in crowd.names(services):
            events += crowd.strike(stages.sandbox.world, _trouble(chance), [name])
        for n, event in enumerate(events):
            away = _AWAY[(n // _EVERY) % len(_AWAY)] if n % _EVERY == _EVERY - 1 else None
            await stages.alert(event, away=away)
            if n % 5 == 1:
                await stages.alert(stages.again(event, "Triggered"))
            if n % 5 in (1, 2):
                await stages.alert(stages.again(event, "Recovered"))


def _trouble(chance: random.Random) -> Scenario:
    name = chance.choice(sorted(_COMMON))
    need, least, most = _COMMON[name]
    found = scenarios()[name]
    more = {need: round(chance.uniform(least, most), 1)}
    return found.model_copy(update={"need": found.need.model_copy(update=more)})
