"""Which sources an alert has to be asked again for, and how often. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.context import SourceStatus

#: Sources without which neither the alert's subject nor its state is known: nothing can be decided.
DECISIVE = frozenset({"datadog.event", "datadog.monitor", "kubernetes.objects"})
#: The memory adds to a decision and makes none.
_OPTIONAL = frozenset({"memory"})


def unanswered(sources: Iterable[SourceStatus]) -> tuple[SourceStatus, ...]:
    """The sources of evidence that could not be asked and may answer when they are asked again."""
    return tuple(s for s in sources if s.why == "unanswered" and s.name not in _OPTIONAL)


def rounds_for(missing: Iterable[SourceStatus], decisive_rounds: int) -> int:
    """How often to ask again: for what only adds to the evidence once, so that it holds up nobody for long."""
    names = {status.name for status in missing}
    if not names:
        return 0
    return decisive_rounds if names & DECISIVE else min(1, decisive_rounds)
