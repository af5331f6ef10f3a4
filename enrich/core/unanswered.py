"""Which sources an alert has to be asked again for, and how often. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.context import SourceStatus

#: What a system that watches tells of its own alert.
_EVENT, _MONITOR, _BEHIND = ".event", ".monitor", ".behind"
#: Reason of an answer that something is not there, by a system that may find it later: a webhook can be faster than its index.
NOT_INDEXED = "not_indexed"
#: Rounds for a rule that is not there: without it an alert can still be looked at, and it may well have been deleted.
_RULE_ROUNDS = 2
#: The memory adds to a decision and makes none.
_OPTIONAL = frozenset({"memory"})


def unanswered(sources: Iterable[SourceStatus]) -> tuple[SourceStatus, ...]:
    """The sources of evidence that could not be asked and may answer when they are asked again."""
    return tuple(
        s for s in sources if s.name not in _OPTIONAL and (s.why == "unanswered" or _not_yet(s))
    )


def _not_yet(status: SourceStatus) -> bool:
    return status.why == "absent" and status.reason.startswith(NOT_INDEXED)


def decisive(name: str) -> bool:
    """Whether without that source neither the alert's subject nor its state is known: nothing can be decided."""
    cluster = name in ("kubernetes.objects", "kubernetes.search")
    return cluster or name.endswith((_EVENT, _MONITOR, _BEHIND))


def rounds_for(missing: Iterable[SourceStatus], decisive_rounds: int) -> int:
    """How often to ask again: for what only adds to the evidence once, so that it holds up nobody for long."""
    return max((_rounds(status, decisive_rounds) for status in missing), default=0)


def _rounds(status: SourceStatus, decisive_rounds: int) -> int:
    if not decisive(status.name):
        return min(1, decisive_rounds)
    if _not_yet(status) and not status.name.endswith(_EVENT):
        return min(_RULE_ROUNDS, decisive_rounds)
    return decisive_rounds
