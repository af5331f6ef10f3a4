"""Which sources an alert has to be asked again for, and how often. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.context import SourceStatus

#: What a system that watches tells of its own alert.
_EVENT, _MONITOR, _BEHIND = ".event", ".monitor", ".behind"
#: The memory adds to a decision and makes none.
_OPTIONAL = frozenset({"memory"})


def unanswered(sources: Iterable[SourceStatus]) -> tuple[SourceStatus, ...]:
    """The sources of evidence that could not be asked and may answer when they are asked again."""
    return tuple(
        s for s in sources if s.name not in _OPTIONAL and (s.why == "unanswered" or _not_yet(s))
    )


def _not_yet(status: SourceStatus) -> bool:
    """An event that its own source does not find: a webhook can be faster than the index."""
    unfound = status.why == "absent" and status.reason.startswith("not_found")
    return unfound and status.name.endswith(_EVENT)


def decisive(name: str) -> bool:
    """Whether without that source neither the alert's subject nor its state is known: nothing can be decided."""
    cluster = name in ("kubernetes.objects", "kubernetes.search")
    return cluster or name.endswith((_EVENT, _MONITOR, _BEHIND))


def rounds_for(missing: Iterable[SourceStatus], decisive_rounds: int) -> int:
    """How often to ask again: for what only adds to the evidence once, so that it holds up nobody for long."""
    found = tuple(missing)
    if not found:
        return 0
    stuck = any(decisive(s.name) and s.why == "unanswered" for s in found)
    return decisive_rounds if stuck else min(1, decisive_rounds)
