"""A case unlike those that rules were written with is strange, and more so the further it lies from all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core.confidence import ConfidenceSigns, confidence
from decide.core.makeup import hull, makeup, ranges, strangeness
from decide.core.view import ClusterView
from tests.support.decide.clusters import Cluster

HOME = ((2.0, 4.0), (5.0, 8.0))


@pytest.mark.parametrize(
    ("made", "strange"),
    [
        ((3.0, 6.0), 0.0),
        ((2.0, 8.0), 0.0),
        ((1.8, 6.0), 0.345),
        ((1.8, 8.1), 0.517),
        ((0.0, 20.0), 1.0),
        ((4.5, 20.0), 1.0),
    ],
)
def test_strange_is_what_lies_outside_of_what_is_known(
    made: tuple[float, ...], strange: float
) -> None:
    assert strangeness(made, HOME) == strange


def test_nothing_is_strange_where_nothing_is_known() -> None:
    assert strangeness((1.0, 2.0), ()) == 0.0


def test_a_collection_reaches_from_its_least_to_its_most() -> None:
    assert ranges([(1.0, 5.0), (3.0, 4.0)]) == ((1.0, 3.0), (4.0, 5.0))


def test_several_collections_reach_from_the_least_of_any_to_the_most_of_any() -> None:
    assert hull([((1.0, 3.0),), (), ((2.0, 7.0),)]) == ((1.0, 7.0),)
    assert hull([]) == ()


def test_a_case_is_counted_in_doublings() -> None:
    cluster = Cluster(2)
    for _ in range(3):
        app = cluster.app()
    cluster.log(app, *["a line"] * 7)
    pod = cluster.pod(app)["metadata"]["name"]
    cluster.event("Pod", pod, "Unhealthy", "a reason that classes know")
    made = makeup(ClusterView(cluster.bundle(app)))
    assert (made[0], made[3], made[4], made[5], made[6]) == (2.0, 1.0, 3.0, 0.0, 0.0)
    cluster.event("Pod", pod, "AttestationRejected", "a reason that none knows")
    assert makeup(ClusterView(cluster.bundle(app)))[6] == 1.0


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_what_is_strange_or_unexplained_never_raises_confidence(
    strange: float, left: float, more: float
) -> None:
    signs = ConfidenceSigns(0.9, 0.2, 0.0, 0.1, quiet=False, unexplained=left, strange=strange)
    said = confidence(signs)
    assert confidence(replace(signs, unexplained=min(1.0, left + more))) <= said
    assert confidence(replace(signs, strange=min(1.0, strange + more))) <= said
