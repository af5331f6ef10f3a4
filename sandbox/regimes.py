"""The states that a service goes through, each for a time, and what is measured in them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.datadog.metrics import Value
from sandbox.physics import Health, Need, Spec


@dataclass(frozen=True, slots=True)
class Regime:
    """A span of time in which a service's state did not change. Unix seconds."""

    since: float
    health: Health
    spec: Spec
    need: Need
    #: Names of the pods that ran and served.
    pods: tuple[str, ...]
    #: Names of pods that never became ready.
    stuck_pods: tuple[str, ...] = ()
    #: Restarts of each pod before this regime.
    restarts_before: int = 0


@dataclass(slots=True)
class History:
    """One service's regimes, oldest first."""

    service: str
    tags: Mapping[str, str]
    #: Names of the spans by which requests come in, and of those by which it calls others.
    operation: str = "http.request"
    calls: tuple[str, ...] = ()
    regimes: list[Regime] = field(default_factory=list)

    def until(self, at: int) -> float:
        """When regime number ``at`` ended."""
        return self.regimes[at + 1].since if at + 1 < len(self.regimes) else math.inf

    def at(self, time: float) -> Regime | None:
        """The regime of a time."""
        return next((r for r in reversed(self.regimes) if r.since <= time), None)


def wobble(seed: str, at: float, share: float = 0.04) -> float:
    """A small, repeatable unrest, so that no line is ruled."""
    phase = zlib.crc32(seed.encode()) % 628 / 100
    return 1 + share * math.sin(at / 47 + phase) * math.cos(at / 173 + phase)


Measure = Callable[[Regime, float, str], Value]


def within(regime: Regime, until: float, value: Measure, seed: str) -> Callable[[float], Value]:
    """A series that has the regime's values while it lasts, and none before it or from ``until`` (unix seconds) on."""
    return lambda at: value(regime, at, seed) if regime.since <= at < until else None
