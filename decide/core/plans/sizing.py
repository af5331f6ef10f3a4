"""Right-sizing from measured usage. Pure arithmetic, documented; refuses thin data.

CPU: request = 95th percentile of usage + 15 %; limit = twice the request, never below the highest sample + 20 %.
Memory: request = limit = highest sample + 25 %; after an OOM kill the sample is cut off by the limit, so the new
limit is at least 1.5 times the old one. JVM (a ``-Xmx`` or ``MaxRAMPercentage`` in the environment): at least heap / 0.75.
Steps: CPU in 10m below 1 core, 50m above; memory in 16 MiB below 1 GiB, 64 MiB above. Floors: 10m, 32 MiB.
Caps: 4 times what stands there, 16 cores, 32 GiB: more than that is for people. KRR's defaults are the same percentile
and 15 % of buffer; VPA takes the 90th percentile and 15 %.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from decide.core.measure import percentile
from decide.core.objects import Container

#: Fewer samples than this tell nothing about a distribution.
ENOUGH = 20
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Size:
    """A proposal in cores or bytes; ``basis`` says what it rests on, ``measured`` whether that is usage."""

    request: float
    limit: float
    basis: str
    measured: bool
    capped: bool = False


def cpu(samples: list[float], request: float | None, limit: float | None) -> Size | None:
    """CPU from usage; without enough samples half as much again as the limit; ``None`` without either."""
    old = limit or request
    if len(samples) >= ENOUGH:
        high, top = percentile(samples, 0.95) or 0.0, max(samples)
        # Throttled usage is cut off at the limit: it shows the need only from below.
        need = max(high * 1.15, (old or 0.0) * 1.5 if limit and top >= 0.8 * limit else 0.0)
        basis = f"p95 {high:.3f} cores, max {top:.3f} of {len(samples)} samples"
        new_limit = max(need * 2, top * 1.2)
    elif old:
        need, new_limit, basis = (request or old) * 1.5, old * 1.5, f"no usage measured: one step of 50 % above {old:g} cores"  # fmt: skip
    else:
        return None
    need, new_limit = max(need, request or 0.0), max(new_limit, (limit or 0.0) * 1.25)
    cap = min(16.0, 4 * old if old else 16.0)
    capped = new_limit > cap
    new_limit = min(new_limit, cap)
    return Size(_cpu_step(min(need, new_limit)), _cpu_step(new_limit), basis, len(samples) >= ENOUGH, capped)  # fmt: skip


def memory(
    samples: list[float], limit: float | None, heap: float | None, *, killed: bool
) -> Size | None:
    """Memory from usage, in bytes; without enough samples half as much again as the limit; ``None`` without either."""
    if len(samples) >= ENOUGH:
        top = max(samples)
        need, basis = top * 1.25, f"highest {top / MIB:.0f} MiB of {len(samples)} samples"
    elif limit:
        need, basis = (
            limit * 1.5,
            f"no usage measured: one step of 50 % above {limit / MIB:.0f} MiB",
        )
    else:
        return None
    if killed and limit:
        need = max(need, limit * 1.5)
    if heap:
        need, basis = max(need, heap / 0.75), f"{basis}; heap {heap / MIB:.0f} MiB / 0.75"
    # A limit of a few MiB is a slip, not a size: steps from there would take many incidents.
    floor = 64 * MIB if killed and limit and limit < 32 * MIB else 32 * MIB
    cap = min(32 * 1024 * MIB, max(4 * limit, floor) if limit else 32 * 1024 * MIB)
    if need < floor:
        need, basis = floor, f"{basis}, raised to the floor of {floor / MIB:.0f} MiB"
    value = _memory_step(min(need, cap))
    return Size(value, value, basis, len(samples) >= ENOUGH, need > cap)


def _cpu_step(cores: float) -> float:
    step = 10 if cores < 1 else 50
    return max(10, math.ceil(round(cores * 1000, 6) / step) * step) / 1000


def _memory_step(size: float) -> float:
    step = 16 * MIB if size < 1024 * MIB else 64 * MIB
    return math.ceil(size / step) * step


_XMX = re.compile(r"-Xmx(\d+)([kKmMgG]?)")
_FACTOR = {"": 1, "k": 1024, "m": MIB, "g": 1024 * MIB}


def heap_of(container: Container) -> float | None:
    """The JVM's configured heap in bytes, ``None`` when none is fixed."""
    texts = [str(e.get("value") or "") for e in container.env]
    for key in ("args", "command"):
        words = container.spec.get(key)
        texts += [str(word) for word in words] if isinstance(words, list) else []
    for text in texts:
        match = _XMX.search(text)
        if match:
            return float(int(match[1]) * _FACTOR[match[2].lower()])
    return None
