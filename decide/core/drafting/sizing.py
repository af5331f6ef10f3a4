"""Right-sizing from measured usage, per container. Pure arithmetic; ``docs/right-sizing.md`` says why. Refuses thin data.

CPU: request = 95th percentile of usage + 15 %; limit = twice the request, never below the highest sample + 20 %. Throttled
usage is cut off at the limit, so it shows the need only from below: at least half as much again. Where no limit stands,
none is set; one that stands is raised, never removed.
Memory: request = limit = highest sample + 25 %; after an OOM kill the sample is cut off by the limit, so the new limit is
at least 1.5 times the old one, and where nothing was measured no less than the VPA would give: 100 MiB more. A fixed heap needs room beside it; a heap that follows the limit grows into whatever it is
given, so its usage alone is no reason for more.
Steps: CPU in 10m below 1 core, 50m above; memory in 16 MiB below 1 GiB, 64 MiB above. Floors: 10m, 32 MiB.
Caps: 4 times what stands there, 16 cores, 32 GiB: more than that is for people.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from decide.core.drafting.heaps import Heap
from decide.core.measure import Usage, percentile
from kfix.texts import say

#: Samples and seconds that a distribution takes before something is raised on its account …
ENOUGH, SPAN_S = 20, 300.0


#: … and before something is taken away: what has not been seen in hours may still come (KRR asks for as much).
ENOUGH_TO_LOWER, SPAN_TO_LOWER_S = 100, 3 * 3600.0


MIB = 2**20
#: What the VPA adds at least to the memory of a container that was killed (``oom-min-bump-up-bytes``), in bytes.
_BUMP = 100 * MIB


@dataclass(frozen=True, slots=True)
class Size:
    """A proposal in cores or bytes; ``basis`` says what it rests on, ``measured`` whether that is usage."""

    request: float
    limit: float
    basis: str
    measured: bool
    capped: bool = False


def tells(usage: Usage) -> bool:
    """Enough to raise a size, or to set one where none stands."""
    return len(usage.values) >= ENOUGH and usage.span_s >= SPAN_S


def tells_less(usage: Usage) -> bool:
    """Enough to lower a size."""
    return len(usage.values) >= ENOUGH_TO_LOWER and usage.span_s >= SPAN_TO_LOWER_S


def cpu(usage: Usage, request: float | None, limit: float | None) -> Size | None:
    """CPU from usage; without enough of it half as much again as the limit; ``None`` without either."""
    old, measured = limit or request, tells(usage)
    if measured:
        samples = usage.values
        high, top = percentile(samples, 0.95) or 0.0, max(samples)
        need = max(high * 1.15, (old or 0.0) * 1.5 if limit and top >= 0.8 * limit else 0.0)
        basis = say("drafting.size.cpu_measured", high=high, top=top, seen=_seen(usage))
        new_limit = max(need * 2, top * 1.2)
    elif old:
        need, new_limit = (request or old) * 1.5, old * 1.5
        basis = say("drafting.size.cpu_step", unseen=_unseen(usage), old=old)
    else:
        return None
    need, new_limit = max(need, request or 0.0), max(new_limit, (limit or 0.0) * 1.25)
    cap = min(16.0, 4 * old) if old else 16.0
    capped = new_limit > cap
    new_limit = min(new_limit, cap)
    return Size(_cpu_step(min(need, new_limit)), _cpu_step(new_limit), basis, measured, capped)


def memory(usage: Usage, limit: float | None, heap: Heap | None, *, killed: bool) -> Size | None:
    """Memory from usage, in bytes; without enough of it half as much again as the limit; ``None`` without either."""
    measured = tells(usage)
    basis: str
    if measured:
        top = max(usage.values)
        need = top * 1.25
        basis = say("drafting.size.memory_measured", top=top / MIB, seen=_seen(usage))
    elif limit:
        need = limit * 1.5
        basis = say("drafting.size.memory_step", unseen=_unseen(usage), old=limit / MIB)
        if killed and need < limit + _BUMP:
            need = max(need, min(limit + _BUMP, _cap(limit, killed=killed)))
            basis = say("drafting.size.memory_bump", unseen=_unseen(usage), old=limit / MIB)
    else:
        return None
    if killed and limit:
        need = max(need, limit * 1.5)
    need, basis = _with_heap(need, basis, limit, heap, killed=killed)
    floor, cap = _floor(limit, killed=killed), _cap(limit, killed=killed)
    if need < floor:
        need, basis = floor, say("drafting.size.floor", basis=basis, floor=floor / MIB)
    value = _memory_step(min(need, cap))
    return Size(value, value, basis, measured, need > cap)


def holding(size: Size, need: float) -> Size:
    """The size without its cap: as much as is needed at least, in bytes."""
    value = _memory_step(max(size.limit, need))
    return replace(size, request=value, limit=value)


def _floor(limit: float | None, *, killed: bool) -> float:
    """A limit of a few MiB is a slip, not a size: steps from there would take many incidents."""
    return 64 * MIB if killed and limit and limit < 32 * MIB else 32 * MIB


def _cap(limit: float | None, *, killed: bool) -> float:
    most = 32 * 1024 * MIB
    return min(most, max(4 * limit, _floor(limit, killed=killed))) if limit else most


def _with_heap(
    need: float, basis: str, limit: float | None, heap: Heap | None, *, killed: bool
) -> tuple[float, str]:
    if heap is None:
        return need, basis
    if heap.fixed is not None:
        return max(need, heap.fixed / heap.share), say(
            "drafting.size.heap_fixed",
            basis=basis,
            flag=heap.flag,
            fixed=heap.fixed / MIB,
            share=heap.share,
        )
    told = say("drafting.size.heap_follows", basis=basis, flag=heap.flag, share=heap.share)
    return (need if killed or not limit else min(need, limit)), told


def _seen(usage: Usage) -> str:
    count = len(usage.values)
    if usage.span_s >= 3600:
        return say("drafting.size.samples_hours", count=count, hours=usage.span_s / 3600)
    return say("drafting.size.samples_minutes", count=count, minutes=usage.span_s / 60)


def _unseen(usage: Usage) -> str:
    if not usage.values:
        return say("drafting.size.unmeasured")
    return say("drafting.size.too_little", seen=_seen(usage))


def _cpu_step(cores: float) -> float:
    step = 10 if cores < 1 else 50
    return max(10, math.ceil(round(cores * 1000, 6) / step) * step) / 1000


def _memory_step(size: float) -> float:
    step = 16 * MIB if size < 1024 * MIB else 64 * MIB
    return math.ceil(size / step) * step
