"""Which of the ranked findings is the answer: the first, unless one of its rivals is far surer. Pure.

Rules rank by belief; what was not read, and what a cause leaves unexplained, may turn that round once it is weighed.
"""

from __future__ import annotations

from decide.core.confidence import confidence, signs
from decide.core.findings import Finding
from decide.core.ranking import SURE
from decide.core.view import ClusterView

#: How much surer a rival is that takes the place of an unsure first.
_FAR = 0.15


def surest_first(view: ClusterView, ranked: list[Finding]) -> list[Finding]:
    """The findings, at least one, with the surest cause in front where the first is unsure and far less so."""
    sure = [confidence(signs(finding, ranked, view)) for finding in ranked]
    better = [
        (sure[n], -n)
        for n, finding in enumerate(ranked)
        if n and _leads(finding, ranked[0]) and sure[n] - sure[0] > _FAR
    ]
    if sure[0] >= SURE or not better:
        return ranked
    place = -max(better)[1]
    return [ranked[place], *ranked[:place], *ranked[place + 1 :]]


def _leads(finding: Finding, first: Finding) -> bool:
    """It names something that is wrong here, and is not explained by another: a symptom stands before no cause."""
    named = finding.kind.nature == "cause" or first.kind.nature in ("unknown", "calm")
    return finding.kind.names_cause and named and not finding.elsewhere and not finding.behind
