"""Which sources an alert has to be asked again for, and how often. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.context import SourceStatus

_EVENT = "datadog.event"
#: Sources without which neither the alert's subject nor its state is known: nothing can be decided.
DECISIVE = frozenset({_EVENT, "datadog.monitor", "kubernetes.objects"})
#: The memory adds to a decision and makes none.
_OPTIONAL = frozenset({"memory"})


def unanswered(sources: Iterable[SourceStatus]) -> tuple[SourceStatus, ...]:
    """The sources of evidence that could not be asked and may answer when they are asked again."""
    return tuple(
        s for s in sources if s.name not in _OPTIONAL and (s.why == "unanswered" or _not_yet(s))
    )


def _not_yet(status: SourceStatus) -> bool:
    """An event that Datadog does not find: its webhook can be faster than its index."""
    return (status.name, status.why) == (_EVENT, "absent") and status.reason.startswith("not_found")


def rounds_for(missing: Iterable[SourceStatus], decisive_rounds: int) -> int:
    """How often to ask again: for what only adds to the evidence once, so that it holds up nobody for long."""
    found = tuple(missing)
    if not found:
        return 0
    decisive = any(s.name in DECISIVE and s.why == "unanswered" for s in found)
    return decisive_rounds if decisive else min(1, decisive_rounds)
