"""What became of a fix: measurements before and after, and the workload's state. Pure.

- *failure*: the change arrived and the workload is not ready, or its containers still die, or the failure's own signal
  got worse or did not get better;
- *success*: the change arrived, all is ready, nothing died since, the failure's own signal is better or harmless, and
  nothing that was measured before got worse;
- *partial*: anything between, also when something of this could not be measured: unknown never makes a success.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kfix.texts import say
from schemas.context import OutcomeResult
from schemas.outcomes import Measurement

Change = Literal["better", "same", "worse", "unknown"]

#: Signal → its unit, and from which value on it is harmless whatever it was before. All signals are better when lower.
SIGNALS: dict[str, tuple[str, float]] = {
    "cpu_cores": ("cores", 0.0),
    "memory_mib": ("MiB", 0.0),
    "restarts": ("", 0.0),
    "error_rate": ("", 0.01),
    "latency_ms": ("ms", 0.0),
    "latency_p95_ms": ("ms", 0.0),
    "throttled_ratio": ("", 0.05),
}
#: The signal that a failure class is about, by words of its id; the workload's health is what counts for the others.
_OWN_SIGNAL: tuple[tuple[str, str], ...] = (
    ("throttl", "throttled_ratio"),
    ("oom", "restarts"),
    ("crash", "restarts"),
    ("liveness", "restarts"),
    ("latency", "latency_ms"),
    ("delay", "latency_ms"),
)
#: Usage may grow with a bigger allowance; that is what it is for.
_FREE_TO_GROW = ("cpu_cores", "memory_mib")
#: Relative change below which a signal counts as the same: half of what a quiet service varies by anyway.
_NOISE = 0.15


@dataclass(frozen=True, slots=True)
class WorkloadState:
    """The workload after the merge. ``None``: not known."""

    #: The plan's fields have their new values in the cluster.
    arrived: bool | None = None
    desired: int | None = None
    ready: int | None = None
    #: Container deaths since the change arrived.
    deaths: int | None = None
    #: What keeps pods from being ready (``ImagePullBackOff``, ``Unschedulable``, …).
    reasons: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool | None:
        """All pods ready and none died; ``None`` when not known."""
        if self.deaths or (
            self.desired is not None and self.ready is not None and self.ready < self.desired
        ):
            return False
        return None if None in (self.desired, self.ready, self.deaths) else True


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result with its reasons."""

    result: OutcomeResult
    measurements: tuple[Measurement, ...]
    explanation: str
    #: Something is not there yet or could not be measured: a later look may tell more.
    unsettled: bool = False


def compare(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[Measurement, ...]:
    """Each signal that was measured at all, before and after."""
    return tuple(
        Measurement(
            name=name,
            unit=SIGNALS.get(name, ("", 0.0))[0],
            before=before.get(name),
            after=after.get(name),
            verdict=changed(name, before.get(name), after.get(name)),
        )
        for name in SIGNALS
        if name in before or name in after
    )


def changed(name: str, before: float | None, after: float | None) -> Change:
    """How a signal moved. Lower is better; below its harmless value nothing is worse."""
    if before is None or after is None:
        return "unknown"
    harmless = SIGNALS.get(name, ("", 0.0))[1]
    margin = max(abs(before) * _NOISE, 1e-9)
    if after < before - margin:
        return "better"
    if after > before + margin and after > harmless and name not in _FREE_TO_GROW:
        return "worse"
    return "same"


def own_signal(failure_class: str) -> str:
    """The signal a failure class is about; empty when it is about the workload's health alone."""
    return next((signal for word, signal in _OWN_SIGNAL if word in failure_class), "")


def judge(
    failure_class: str,
    state: WorkloadState,
    before: Mapping[str, float],
    after: Mapping[str, float],
) -> Judgement:
    """The result of a merged fix."""
    measurements = compare(before, after)
    if state.arrived is False:
        told = say("learn.not_arrived")
        return Judgement("partial", measurements, told, unsettled=True)
    if state.healthy is False:
        return Judgement("failure", measurements, _unhealthy(state))
    own = next((m for m in measurements if m.name == own_signal(failure_class)), None)
    if own is not None and own.name != "restarts" and _no_better(own):
        return Judgement("failure", measurements, say("learn.not_better", signal=_told(own)))
    worse = [m for m in measurements if m.verdict == "worse"]
    if worse:
        return Judgement(
            "partial", measurements, say("learn.worse", signals=[_told(m) for m in worse])
        )
    unknown = _unknown(own_signal(failure_class), state, measurements)
    if unknown:
        told = say("learn.not_measured", what=unknown)
        return Judgement("partial", measurements, told, unsettled=True)
    return Judgement("success", measurements, _healthy(state, measurements))


def _no_better(measurement: Measurement) -> bool:
    return measurement.verdict in ("worse", "same") and not _harmless(measurement)


def _harmless(measurement: Measurement) -> bool:
    limit = SIGNALS[measurement.name][1]
    return measurement.after is not None and measurement.after <= limit


def _unknown(own: str, state: WorkloadState, measurements: Sequence[Measurement]) -> list[str]:
    """What a success would need to know and nobody could tell."""
    missing: list[str] = []
    if state.arrived is None:
        missing.append(say("learn.whether_arrived"))
    if state.healthy is None:
        missing.append(say("learn.state_of_pods"))
    by_name = {m.name: m for m in measurements}
    for name in SIGNALS:
        found = by_name.get(name)
        if name in _FREE_TO_GROW or (found is None and name != own):
            continue
        # Deaths of containers tell of restarts; the failure's own signal must be comparable.
        compared = name == own and own != "restarts"
        if found is None:
            known = not compared
        elif compared:
            known = found.verdict != "unknown" or _harmless(found)
        else:
            known = found.before is None or found.after is not None
        if not known:
            missing.append(say(f"learn.signal.{name}"))
    return missing


def _unhealthy(state: WorkloadState) -> str:
    reasons = f" ({', '.join(state.reasons[:3])})" if state.reasons else ""
    if state.ready is not None and state.desired is not None and state.ready < state.desired:
        return say("learn.pods_ready", ready=state.ready, desired=state.desired, reasons=reasons)
    if state.deaths == 1:
        return say("learn.died_once", reasons=reasons)
    return say("learn.died", times=str(state.deaths), reasons=reasons)


def _healthy(state: WorkloadState, measurements: Sequence[Measurement]) -> str:
    better = [_told(m) for m in measurements if m.verdict == "better"]
    ready, desired = str(state.ready), str(state.desired)
    if not better:
        return say("learn.healthy", ready=ready, desired=desired)
    return say("learn.healthy_and_better", ready=ready, desired=desired, signals=better)


def _told(measurement: Measurement) -> str:
    figures = {
        "signal": say(f"learn.signal.{measurement.name}"),
        "before": _number(measurement.before),
        "after": _number(measurement.after),
    }
    if not measurement.unit:
        return say("learn.moved", **figures)
    unit: str = say("learn.cores") if measurement.unit == "cores" else measurement.unit
    return say("learn.moved_unit", unit=unit, **figures)


def _number(value: float | None) -> float | str:
    return "?" if value is None else value
