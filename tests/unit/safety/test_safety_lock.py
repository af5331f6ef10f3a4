"""The lock is watched: what is not proven counts as open, and production is not examined then."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import REGISTRY

from kfix.engine.runtime.http import health
from kfix.infra.clients.kubernetes import LockProof, LockState, RejectedByServer
from kfix.infra.clients.kubernetes.lock import proof_of
from kfix.infra.telemetry import notes
from safety.adapters.lock import LockWatch
from safety.adapters.schemas import PublishedSchemas
from safety.core import Policy
from safety.ports import SafetyPorts
from safety.service.validation import examination
from schemas import errors
from schemas.validated import CheckResult
from tests.unit.safety.test_safety_examination import OURS, Cluster, Repository, proposed

LOCKED = LockProof("locked")
OPEN = LockProof("unlocked", "a real write passed")
SILENT = LockProof("unknown", "no answer")


@dataclass
class World:
    """A clock, and a cluster that answers probes as it is told."""

    now: float = 100.0
    proofs: list[LockProof] = field(default_factory=list)

    async def prove(self) -> LockProof:
        return self.proofs.pop(0)

    def watch(self, *proofs: LockProof) -> LockWatch:
        self.proofs = list(proofs)
        return LockWatch(self.prove, lambda: self.now, 60.0)


def test_before_the_first_probe_the_lock_is_unknown() -> None:
    assert World().watch().lock().state == "unknown"


async def test_a_removed_binding_is_noticed_at_the_next_probe_and_told_since_when() -> None:
    world = World()
    watch = world.watch(LOCKED, LOCKED, OPEN, LOCKED)
    seen = []
    for _ in range(4):
        seen.append(await watch.look())
        world.now += 60
    assert [(lock.state, lock.since) for lock in seen] == [
        ("locked", 100.0),
        ("locked", 100.0),
        ("unlocked", 220.0),
        ("locked", 280.0),
    ]
    assert seen[2].why == OPEN.why


async def test_an_old_proof_proves_nothing() -> None:
    world = World()
    watch = world.watch(LOCKED)
    await watch.look()
    world.now += 180
    assert watch.lock().state == "locked"
    world.now += 1
    assert (watch.lock().state, watch.lock().why) == (
        "unknown",
        "the lock was last tried 181 s ago",
    )


async def test_after_a_probe_that_told_nothing_the_next_comes_soon_and_then_ever_later() -> None:
    watch = World().watch(*[SILENT] * 7, LOCKED)
    waits = []
    for _ in range(8):
        await watch.look()
        waits.append(watch.next_s)
    assert waits == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


async def test_the_page_of_readiness_shows_the_lock() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await World().watch(OPEN).look()
    page = health(lambda: True, lambda: "")
    await page({"type": "http", "path": "/readyz"}, None, send)
    assert sent[0]["status"] == 200
    assert b"lock: unlocked a real write passed\n" in sent[1]["body"]


@pytest.mark.parametrize(("proof", "value"), [(LOCKED, 1.0), (OPEN, 0.0), (SILENT, math.nan)])
async def test_metrics_tell_the_state(proof: LockProof, value: float) -> None:
    count = (
        REGISTRY.get_sample_value("kfix_lock_proofs_total", {"cluster": "", "state": proof.state})
        or 0.0
    )
    await World().watch(proof).look()
    told = REGISTRY.get_sample_value("kfix_lock_held", {"cluster": ""})
    assert told is not None
    assert told == value or (math.isnan(told) and math.isnan(value))
    after = REGISTRY.get_sample_value(
        "kfix_lock_proofs_total", {"cluster": "", "state": proof.state}
    )
    assert after == count + 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (None, "unlocked"),
        (
            RejectedByServer(
                "denied request: K-Fix may only dry-run", reason="invalid", status=422
            ),
            "locked",
        ),
        (RejectedByServer("exceeded quota", reason="admission", status=403), "unknown"),
        (errors.NotFound("no such ConfigMap"), "unknown"),
        (errors.Unauthorized("cannot patch"), "unknown"),
        (errors.Unavailable("503"), "unknown"),
        (errors.TimedOut("late"), "unknown"),
    ],
)
def test_only_the_policys_own_refusal_proves_the_lock(
    answer: errors.KFixError | None, state: LockState
) -> None:
    assert proof_of(answer).state == state
    assert (proof_of(answer).why == "") == (state == "locked")


class Counting(Cluster):
    """A cluster that remembers whether it was asked."""

    dry_runs = 0

    async def dry_run(self, *args: object) -> CheckResult:  # type: ignore[override]
        self.dry_runs += 1
        return await super().dry_run(*args)  # type: ignore[arg-type]


async def _dry_run(proof: LockProof | None, environment: str) -> tuple[CheckResult, int, bool]:
    watch = None
    if proof is not None:
        watch = World().watch(proof)
        await watch.look()
    cluster = Counting()
    ports = SafetyPorts(
        Repository(), cluster, PublishedSchemas(""), Policy(), 5.0, fleet=OURS, lock=watch
    )
    candidate = proposed()
    context = candidate.context.model_copy(update={"environment": environment})
    found = await examination(candidate.model_copy(update={"context": context}), ports)
    (plan,) = found.plans.plans
    check = next(c for c in plan.checks if c.name == "server_dry_run")
    return check, cluster.dry_runs, plan.accepted


@pytest.mark.parametrize("proof", [OPEN, SILENT, None])
@pytest.mark.parametrize("environment", ["production", "unknown"])
async def test_production_is_not_examined_without_the_lock_and_the_record_says_why(
    proof: LockProof | None, environment: str
) -> None:
    check, asked, accepted = await _dry_run(proof, environment)
    assert (check.verdict, asked, accepted) == ("unknown", 0, False)
    assert (proof.why if proof else "nobody watches") in check.reason
    assert check.numbers == {"lock": proof.state if proof else "unknown"}


@pytest.mark.parametrize(
    ("proof", "environment"), [(LOCKED, "production"), (OPEN, "staging"), (None, "development")]
)
async def test_a_proven_lock_or_another_environment_is_examined(
    proof: LockProof | None, environment: str
) -> None:
    _, asked, _ = await _dry_run(proof, environment)
    assert asked == 1


def gauge() -> float:
    told = REGISTRY.get_sample_value("kfix_lock_held", {"cluster": ""})
    assert told is not None
    return told


def raising(failure: BaseException) -> Callable[[], Awaitable[LockProof]]:
    async def prove() -> LockProof:
        raise failure

    return prove


@pytest.mark.parametrize(
    "failure",
    [
        errors.Unavailable("503"),
        TypeError("'NoneType' object is not subscriptable"),
        TimeoutError(),
        KeyError("metadata"),
        ExceptionGroup("two", [ValueError("one"), OSError("other")]),
        asyncio.CancelledError(),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_whatever_a_probe_raises_the_watch_goes_on_and_the_lock_is_unknown(
    failure: BaseException,
) -> None:
    watch = LockWatch(raising(failure), lambda: 100.0, 60.0)
    lock = await watch.look()
    assert (lock.state, watch.next_s) == ("unknown", 2.0)
    assert lock.why.startswith("the lock could not be tried")
    assert math.isnan(gauge())


async def test_the_watch_outlives_probes_that_raise() -> None:
    enough, asked = asyncio.Event(), 0

    async def prove() -> LockProof:
        nonlocal asked
        asked += 1
        if asked == 4:
            enough.set()
            return LOCKED
        raise TypeError("a client's bug")

    watch = LockWatch(prove, lambda: 100.0, 0.001)
    task = asyncio.create_task(watch.watch())
    waiting = asyncio.create_task(enough.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    assert (asked >= 4, task.done()) == (True, False)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_probe_that_never_answers_is_given_up_and_the_lock_is_unknown() -> None:
    async def prove() -> LockProof:
        await asyncio.Event().wait()
        return LOCKED

    lock = await LockWatch(prove, lambda: 100.0, 0.01).look()
    assert (lock.state, lock.why) == (
        "unknown",
        "the lock could not be tried: no answer within 0.01 s",
    )


async def test_a_watch_that_is_ended_ends_while_it_probes() -> None:
    asked = asyncio.Event()

    async def prove() -> LockProof:
        asked.set()
        await asyncio.Event().wait()
        return LOCKED

    task = asyncio.create_task(LockWatch(prove, lambda: 100.0, 60.0).look())
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("proof", [LOCKED, OPEN])
async def test_gauge_and_page_of_a_watch_that_stopped_do_not_keep_its_last_word(
    proof: LockProof,
) -> None:
    world = World()
    await world.watch(proof).look()
    assert gauge() == float(proof is LOCKED)
    world.now += 181
    assert math.isnan(gauge())
    assert "lock: unknown the lock was last tried 181 s ago\n" in notes.lines()


def test_the_gauge_of_a_watch_that_has_not_tried_yet_is_not_zero() -> None:
    World().watch()
    assert math.isnan(gauge())
