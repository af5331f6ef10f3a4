"""What else it could have been: causes that look like the first one, with why they are less likely. Pure.

An engineer who reads one answer asks "and not …?". For each class its usual confounders are named; their rules found
nothing, so they stand low, with what would have shown them and was not seen, or was not collected.
"""

from __future__ import annotations

from collections.abc import Sequence

from decide.core.findings import Finding
from decide.core.taxonomy import CLASSES
from decide.core.view import ClusterView, node_ref
from kfix.texts import say

#: A diagnosis names at least this many hypotheses.
LEAST = 3
#: Belief of the first that is filled in; each further one has a little less.
_LOW, _STEP = 0.12, 0.02


def complete(view: ClusterView, ranked: Sequence[Finding]) -> list[Finding]:
    """The findings, filled up to ``LEAST`` with what the first is most often taken for."""
    out = list(ranked)
    first = out[0]
    named = {f.failure_class for f in out}
    lowest = min(f.score for f in out)
    for class_id in first.kind.rivals:
        if len(out) >= LEAST:
            break
        if class_id in named:
            continue
        score = max(0.02, min(_LOW - _STEP * (len(out) - len(ranked)), lowest - 0.01))
        out.append(_rival(view, first, class_id, score))
    return out


def _rival(view: ClusterView, first: Finding, class_id: str, score: float) -> Finding:
    entry = CLASSES[class_id]
    ref = first.object
    workload = first.facts.workload
    if entry.at_node and ref.kind != "Node":
        places = [p.node for p in (workload.pods if workload is not None else ()) if p.node]
        ref = node_ref(places[0]) if places else ref
    unseen = _unseen(view, entry.told_by)
    why = (
        say("decide.not_collected", what=say(f"decide.source.{unseen}"))
        if unseen
        else say("decide.not_seen", what=entry.seen_by)
    )
    return Finding(
        failure_class=class_id,
        object=ref,
        score=score,
        detail="",
        evidence=list(first.evidence[:1]),
        against=[why],
    )


def _unseen(view: ClusterView, source: str) -> str:
    """The source that such a cause shows in, when it was not collected."""
    if source == "metrics":
        return "" if view.bundle.metrics else source
    if source == "logs":
        return "" if view.bundle.logs else source
    return source if source and not view.collected(source) else ""
