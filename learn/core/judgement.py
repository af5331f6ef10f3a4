"""What became of a fix: measurements before and after, the workload's state, the alert's own word. Pure.

One look after a merge is judged here; what several looks come to is ``learn.core.watch``'s.

- *failure*: the change arrived and the workload is not ready, or its containers died since; or the alert is alerting and its
  measure is still beyond its threshold, or not known; or the failure's own signal, or the alert's measure, is no better;
- *success*: the change arrived, all is ready, nothing died since, the failure's own signal is better, harmless or as usual,
  nothing that was measured before got worse, and the alert is not known to be anything but well;
- *partial*: anything between, also when something of this could not be measured: unknown never makes a success.

A signal is compared with the trouble (the ten minutes before the alert) and with what is usual (the same hour of the day and of
the week before, the lower of both). All signals are better when lower; a step of 15 % is noise:

- *better*: more than 15 % below the trouble; or at most 15 % above the usual, where the trouble was more than that above it;
- *worse*: more than 15 % above the trouble, above what is harmless, and more than 15 % above the usual where that is known:
  what every day brings at this hour is no harm that a fix did;
- *same*: neither; *unknown*: without a value after, or without one to compare it with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from kfix.texts import say
from schemas.context import OutcomeResult
from schemas.outcomes import Measurement

Change = Literal["better", "same", "worse", "unknown"]
#: ``warning``: the lower threshold is crossed, or the rule waits before it fires; ``silent``: who could tell did not answer;
#: ``unheard``: there is nobody to be asked.
AlertState = Literal["ok", "warning", "alerting", "silent", "unheard"]
#: Name of the measurement that the alert's own rule compares.
ALERT_MEASURE = "alert_measure"

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
#: Shares of a whole, told in per cent.
_SHARES = ("error_rate", "throttled_ratio")
#: What grows with the length of a window is not compared with an hour of another day.
_COUNTED = ("restarts",)
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
    #: One sentence of what delivers to the cluster: why the change has not arrived. Empty: it says nothing of the kind.
    held_up: str = ""

    @property
    def healthy(self) -> bool | None:
        """All pods ready and none died; ``None`` when not known."""
        if self.deaths or (
            self.desired is not None and self.ready is not None and self.ready < self.desired
        ):
            return False
        return None if None in (self.desired, self.ready, self.deaths) else True


@dataclass(frozen=True, slots=True)
class AlertReading:
    """The alert and what its rule compares. ``None``: not known."""

    state: AlertState = "unheard"
    #: Since when it stands so.
    since: datetime | None = None
    #: Its measure around the alert, and now.
    before: float | None = None
    now: float | None = None
    #: ``now`` is on the side of the threshold where it is trouble.
    beyond: bool | None = None
    #: It is trouble below the threshold.
    from_below: bool = False


_UNHEARD = AlertReading()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result with its reasons."""

    result: OutcomeResult
    measurements: tuple[Measurement, ...]
    explanation: str
    #: Something is not there yet or could not be measured: a later look may tell more.
    unsettled: bool = False


def compare(
    before: Mapping[str, float],
    after: Mapping[str, float],
    usual: Mapping[str, float] | None = None,
) -> tuple[Measurement, ...]:
    """Each signal that was measured around the alert or now, with what is usual where that is known."""
    calm = {name: value for name, value in (usual or {}).items() if name not in _COUNTED}
    return tuple(
        Measurement(
            name=name,
            unit=SIGNALS.get(name, ("", 0.0))[0],
            before=before.get(name),
            after=after.get(name),
            usual=calm.get(name),
            verdict=changed(name, before.get(name), after.get(name), calm.get(name)),
        )
        for name in SIGNALS
        if name in before or name in after
    )


def lower_of(*measured: Mapping[str, float]) -> dict[str, float]:
    """The usual level: of each signal the lowest value of several times. Trouble at one of them is not what is usual."""
    names = dict.fromkeys(name for one in measured for name in one)
    return {name: min(one[name] for one in measured if name in one) for name in names}


def changed(
    name: str, before: float | None, after: float | None, usual: float | None = None
) -> Change:
    """How a signal moved: see the module. Lower is better; below its harmless value nothing is worse."""
    if before is None or after is None:
        return "unknown"
    harmless = SIGNALS.get(name, ("", 0.0))[1]
    margin = max(abs(before) * _NOISE, 1e-9)
    if after < before - margin:
        return "better"
    if usual is not None and _as_usual(after, usual) and not _as_usual(before, usual):
        return "better"
    if after <= before + margin or after <= harmless or name in _FREE_TO_GROW:
        return "same"
    return "same" if usual is not None and _as_usual(after, usual) else "worse"


def _as_usual(value: float, usual: float) -> bool:
    return value <= usual + max(abs(usual) * _NOISE, 1e-9)


def own_signal(failure_class: str) -> str:
    """The signal a failure class is about; empty when it is about the workload's health alone."""
    return next((signal for word, signal in _OWN_SIGNAL if word in failure_class), "")


def judge(
    failure_class: str,
    state: WorkloadState,
    before: Mapping[str, float],
    after: Mapping[str, float],
    *,
    usual: Mapping[str, float] | None = None,
    alert: AlertReading = _UNHEARD,
    clean: int = 0,
) -> Judgement:
    """The result of one look at a merged fix. ``clean``: how many looks in a row found it well, this one included."""
    signals = compare(before, after, usual)
    measurements = (*signals, *_measured(alert))
    if state.arrived is False:
        return Judgement("partial", measurements, not_arrived(state), unsettled=True)
    own = own_signal(failure_class)
    bad = _failure(own, state, measurements, alert)
    if bad:
        return Judgement("failure", measurements, bad)
    worse = [m for m in signals if m.verdict == "worse"]
    if worse:
        told = say("learn.worse", signals=[_told(m) for m in worse])
        return Judgement("partial", measurements, told)
    doubt = _doubt(own, state, signals, alert)
    if doubt:
        return Judgement("partial", measurements, doubt, unsettled=True)
    return Judgement("success", measurements, _healthy(state, measurements, alert, clean))


def _failure(
    own: str, state: WorkloadState, measurements: Sequence[Measurement], alert: AlertReading
) -> str:
    """The definite sign that it did not help, as a sentence; empty without one."""
    if state.healthy is False:
        return _unhealthy(state)
    if alert.state == "alerting" and alert.beyond is not False:
        return _alerting(alert)
    signal = next((m for m in measurements if m.name == own), None)
    if signal is not None and own != "restarts" and _no_better(signal):
        return say("learn.not_better", signal=_told(signal))
    measure = next((m for m in measurements if m.name == ALERT_MEASURE), None)
    if measure is not None and alert.state not in ("ok", "warning") and _stays(alert, measure):
        return say("learn.not_better", signal=_told(measure))
    return ""


def _doubt(
    own: str, state: WorkloadState, signals: Sequence[Measurement], alert: AlertReading
) -> str:
    """What keeps a look from being a success though nothing speaks against it, as a sentence; empty for nothing."""
    if alert.state in ("alerting", "warning"):
        return say("learn.alert_lags")
    unknown = _unknown(own, state, signals)
    if alert.state == "silent":
        unknown.append(say("learn.state_of_alert"))
    return say("learn.not_measured", what=unknown) if unknown else ""


def not_arrived(state: WorkloadState) -> str:
    """That the change has not arrived, and why where what delivers to the cluster says so."""
    if state.held_up:
        return say("learn.not_arrived_because", why=state.held_up)
    return say("learn.not_arrived")


def _measured(alert: AlertReading) -> tuple[Measurement, ...]:
    """The alert's own measure, where it was read at all. On the good side of its threshold it is never worse."""
    if alert.before is None and alert.now is None:
        return ()
    verdict: Change = "unknown"
    if alert.before is not None and alert.now is not None:
        sign = -1.0 if alert.from_below else 1.0
        verdict = changed(ALERT_MEASURE, sign * alert.before, sign * alert.now)
        if verdict == "worse" and alert.beyond is False:
            verdict = "same"
    return (Measurement(name=ALERT_MEASURE, before=alert.before, after=alert.now, verdict=verdict),)


def _stays(alert: AlertReading, told: Measurement) -> bool:
    return alert.beyond is True and told.verdict in ("same", "worse")


def _alerting(alert: AlertReading) -> str:
    if alert.now is None:
        return say("learn.alerting")
    before = alert.before if alert.before is not None else "?"
    return say("learn.alerting_at", before=before, after=alert.now)


def _no_better(measurement: Measurement) -> bool:
    usual, after = measurement.usual, measurement.after
    if usual is not None and after is not None and _as_usual(after, usual):
        return False
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


def _healthy(
    state: WorkloadState, measurements: Sequence[Measurement], alert: AlertReading, clean: int
) -> str:
    found = [_told(m) for m in measurements if m.verdict == "better"]
    if alert.state == "ok" and alert.since is not None:
        found.append(say("learn.alert_ok_since", at=f"{alert.since.astimezone(UTC):%H:%M} UTC"))
    elif alert.state == "ok":
        found.append(say("learn.alert_ok"))
    if clean:
        found.append(say("learn.clean_looks", looks=clean))
    ready, desired = str(state.ready), str(state.desired)
    if not found:
        return say("learn.healthy", ready=ready, desired=desired)
    return say("learn.healthy_and_better", ready=ready, desired=desired, signals=found)


def _told(measurement: Measurement) -> str:
    figures = {
        "signal": say(f"learn.signal.{measurement.name}"),
        "before": _number(measurement.before),
        "after": _number(measurement.after),
    }
    if measurement.name in _SHARES:
        return say("learn.moved_share", **figures)
    if not measurement.unit:
        return say("learn.moved", **figures)
    unit: str = say("learn.cores") if measurement.unit == "cores" else measurement.unit
    return say("learn.moved_unit", unit=unit, **figures)


def _number(value: float | None) -> float | str:
    return "?" if value is None else value
