"""The highest confidence is said of answers that more than their own rule bears out."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.diagnosis import diagnose as rank_causes
from decide.core.shown import UNSHOWN, held_back
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_no_answer_is_surer_than_what_bears_it_out(fault: str) -> None:
    cluster = Cluster(5)
    app = cluster.app()
    FAULTS[fault](cluster, app)
    bundle = cluster.bundle(app)
    verdict = diagnose(bundle)
    assert verdict.analysis is not None
    shown = bool(verdict.plans) and verdict.plans[0].repairs.verdict == "pass"
    ruled = rank_causes(bundle).analysis.confidence
    sure = verdict.analysis.confidence
    assert sure == (ruled if shown or verdict.reason == "recovered" else held_back(ruled))
    assert verdict.analysis.hypotheses[0].confidence == sure
    assert all(plan.confidence <= sure for plan in verdict.plans)


def test_both_kinds_are_among_the_faults() -> None:
    """A proven repair is said surely; a hand-over as sure of its rule is not."""
    told = set()
    for fault in FAULTS.values():
        cluster = Cluster(5)
        app = cluster.app()
        fault(cluster, app)
        bundle = cluster.bundle(app)
        verdict = diagnose(bundle)
        assert verdict.analysis is not None
        if rank_causes(bundle).analysis.confidence > UNSHOWN:
            told.add((verdict.status, verdict.analysis.confidence > UNSHOWN))
    assert ("solution_proposed", True) in told
    assert ("needs_human", False) in told
    assert ("needs_human", True) not in told


def test_what_is_held_back_keeps_its_order_and_its_bounds() -> None:
    told = [held_back(n / 1000) for n in range(1001)]
    assert told == sorted(told)
    assert len({held_back(n / 100) for n in range(81, 98)}) == 17
    assert [held_back(x) for x in (0.02, 0.8, 0.97, 1.0)] == [0.02, 0.8, UNSHOWN, UNSHOWN]
