"""From belief to confidence: how often an answer like this one was right where nobody had tuned for it. Pure.

A rule's belief says how strong its evidence is; confidence says how likely the whole answer is right. Six things turn
the one into the other: the belief, its lead over the next hypothesis, whether sources were collected that such a cause
shows in, how much else was not read or was cut, how much of the trouble the cause leaves unexplained, and how unlike the
cases of the fit this one is. The map is a logistic one whose slopes cannot point the wrong way, so more evidence never
lowers it. ``weights.py`` holds its numbers and is written by the fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from decide.core.findings import Finding
from decide.core.makeup import makeup, strangeness
from decide.core.view import ClusterView
from decide.core.weights import MADE_OF, WEIGHTS

#: A lead of more than this tells nothing new.
_LEAD = 0.3
#: The most and the least that is said. Failures of kinds for which there is no rule are not among the cases of the fit, and
#: what is sure among those cases is a little less so in the world.
MOST, _LEAST = 0.97, 0.02
#: What each source that was not read whole leaves of the confidence, and how many of them count: the fit has none, so this
#: is a caution and no measurement.
_READ_IN_PART, _MOST_IN_PART = 0.97, 5
#: Belief from which the responsible program itself has named the mechanism: no other source can take that back.
NAMED = 0.9
#: Sources that add nothing to a diagnosis: without them it is as sure as with them.
OPTIONAL = frozenset({"memory", "registry"})
#: Kinds of objects that are one source: any of them will do.
_SOURCES: dict[str, tuple[str, ...]] = {
    "pods": ("pods",),
    "controllers": ("deployments", "statefulsets", "daemonsets", "replicasets", "jobs"),
    "events": ("events",),
    "nodes": ("nodes",),
    "services": ("services",),
    "endpoints": ("endpoints", "endpointslices"),
    "claims": ("persistentvolumeclaims",),
    "policies": ("resourcequotas", "serviceaccounts", "networkpolicies"),
    "configuration": ("configmaps", "secrets"),
}


@dataclass(frozen=True, slots=True)
class ConfidenceSigns:
    """What is known about an answer, besides what it says."""

    #: The first finding's score.
    belief: float
    #: Its lead over the best other finding, -0.3 to 0.3.
    lead: float
    #: Share of the decisive sources that were not collected.
    blind: float
    #: Share of all sources that were not collected, did not answer, or were cut.
    missing: float
    #: The answer is that nothing is wrong: the absence of evidence, not evidence.
    quiet: bool
    #: Share of the trouble at the cause's object and at the alert's that no finding of the cause claims.
    unexplained: float = 0.0
    #: How far the case's make-up lies from those of the fit.
    strange: float = 0.0

    def terms(self) -> tuple[float, ...]:
        """What the weights multiply, each growing with certainty. The constant comes first."""
        belief = min(0.98, max(0.02, self.belief))
        return (
            1.0,
            math.log(belief / (1 - belief)),
            self.lead / _LEAD,
            -self.blind,
            -self.missing,
            -float(self.quiet),
            -self.unexplained,
            -self.strange,
        )


def signs(finding: Finding, ranked: Sequence[Finding], view: ClusterView) -> ConfidenceSigns:
    """The signs of one finding among the ranked ones."""
    rival = max((f.score for f in ranked if _rivals(finding, f)), default=0.0)
    needed = finding.kind.shows_in
    absent = len(missing(view)) + cut(view)
    return ConfidenceSigns(
        belief=finding.score,
        lead=max(-_LEAD, min(_LEAD, finding.score - rival)),
        blind=sum(source in missing(view) for source in needed) / len(needed),
        missing=min(1.0, absent / (len(_SOURCES) + 2)),
        quiet=finding.kind.nature == "calm",
        unexplained=finding.open_share,
        strange=strangeness(makeup(view), MADE_OF),
    )


def _rivals(one: Finding, other: Finding) -> bool:
    """Whether ``other`` speaks against ``one``: not where it is explained by it, nor where both are shown apart."""
    return not (one is other or one.object.key == other.behind or _apart(one, other))


def _apart(one: Finding, other: Finding) -> bool:
    """Two causes, each shown at an object of its own: both may be true."""
    shown = all(
        f.kind.nature == "cause" and not f.kind.of_a_callee and f.score >= NAMED
        for f in (one, other)
    )
    return shown and one.object.key != other.object.key


def missing(view: ClusterView) -> frozenset[str]:
    """Sources that were not collected. What was listed and is empty was."""
    return view.memo("missing sources", lambda: _missing(view))


def _missing(view: ClusterView) -> frozenset[str]:
    absent = {name for name, kinds in _SOURCES.items() if not any(map(view.collected, kinds))}
    absent |= {"logs"} if not view.bundle.logs else set()
    return frozenset(absent | ({"metrics"} if not view.bundle.metrics else set()))


def cut(view: ClusterView) -> int:
    """How many sources were read in part, did not answer, or refused."""
    unheard = ("unanswered", "refused")
    asked = (s for s in view.bundle.sources if s.name not in OPTIONAL)
    return sum(s.state == "degraded" or s.why in unheard for s in asked)


def confidence(signs: ConfidenceSigns, weights: Sequence[float] = WEIGHTS) -> float:
    """The share of such answers that is right. Three digits."""
    z = sum(w * term for w, term in zip(weights, signs.terms(), strict=True))
    return round(min(MOST, max(_LEAST, 1 / (1 + math.exp(-z)))), 3)


def confidences(ranked: Sequence[Finding], view: ClusterView) -> list[float]:
    """One per finding, of at least one, in order. The first may be right or one of its rivals, not both.

    Those share what is left.
    """
    first, *others = (confidence(signs(finding, ranked, view)) for finding in ranked)
    first = max(_LEAST, round(first * _READ_IN_PART ** min(_MOST_IN_PART, in_part(view)), 3))
    left = round(1 - first, 3)
    return [
        first,
        *(
            min(one, first if _apart(ranked[0], finding) else left)
            for one, finding in zip(others, ranked[1:], strict=True)
        ),
    ]


def in_part(view: ClusterView) -> int:
    """Sources of evidence that were read in part, or hold something that could not be read."""
    sources = view.bundle.sources
    return sum(one.state == "degraded" and one.name not in OPTIONAL for one in sources)


def blind(finding: Finding, view: ClusterView) -> list[str]:
    """Sources that would have told this cause from its confounders and were not collected. Empty: nothing of weight."""
    if finding.score >= NAMED:
        return []
    needed = finding.kind.shows_in
    return [source for source in needed if source in missing(view)]
