"""Attempts at an incident are told by their ids."""

from __future__ import annotations

import pytest

from schemas.identity import (
    Attempt,
    attempt_id,
    attempt_of,
    branch_of,
    incident_of_branch,
    next_attempt,
    revert_of,
    stable_id,
    taken_back_by,
)

_INCIDENT = stable_id("inc-20261201", "fingerprint", "delivery", digits=8)


@pytest.mark.parametrize(
    ("incident_id", "attempt"),
    [
        (_INCIDENT, Attempt(_INCIDENT)),
        (f"{_INCIDENT}-try2", Attempt(_INCIDENT, 2)),
        (f"{_INCIDENT}-try12", Attempt(_INCIDENT, 12)),
        (f"{_INCIDENT}-revert", Attempt(_INCIDENT, 1, True)),
        (f"{_INCIDENT}-try3-revert", Attempt(_INCIDENT, 3, True)),
        (
            f"{_INCIDENT}-try1",
            Attempt(f"{_INCIDENT}-try1"),
        ),  # no id of ours: the first has no number
        ("", Attempt("")),
    ],
)
def test_an_id_tells_incident_number_and_revert(incident_id: str, attempt: Attempt) -> None:
    assert attempt_of(incident_id) == attempt


def test_the_next_attempt_and_the_revert_are_of_the_same_incident() -> None:
    second = next_attempt(_INCIDENT)
    assert next_attempt(second) == f"{_INCIDENT}-try3"
    assert next_attempt(revert_of(second)) == next_attempt(second)
    assert revert_of(revert_of(second)) == revert_of(second)
    assert attempt_of(revert_of(second)) == Attempt(_INCIDENT, 2, True)


@pytest.mark.parametrize("attempt", [_INCIDENT, f"{_INCIDENT}-try2", f"{_INCIDENT}-try12"])
def test_what_is_taken_back_is_told_by_the_id_of_the_way_back(attempt: str) -> None:
    assert taken_back_by(revert_of(attempt)) == attempt
    assert taken_back_by(attempt) == attempt
    named = attempt_of(attempt)
    assert attempt_id(named.incident_id, named.number) == attempt


def test_each_attempt_and_each_revert_has_a_branch_of_its_own() -> None:
    second = next_attempt(_INCIDENT)
    ids = [_INCIDENT, second, revert_of(_INCIDENT), revert_of(second)]
    branches = [branch_of(one) for one in ids]
    assert len(set(branches)) == len(ids)
    assert [incident_of_branch(branch) for branch in branches] == ids
