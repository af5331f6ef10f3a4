"""Who holds a volume decides whether going one after the other lets go of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from decide.core.families.startup.plans.volumes import one_at_a_time

ERROR = 'Multi-Attach error for volume "data" Volume is already used by pod(s) '


def plans(said: str) -> list[Any]:
    """For a Deployment whose pods are ``db-1`` and ``db-2``."""
    obj = {"spec": {"strategy": {"type": "RollingUpdate"}}}
    pods = [SimpleNamespace(name="db-1"), SimpleNamespace(name="db-2")]
    workload = SimpleNamespace(kind="Deployment", name="db", obj=obj, pods=pods, ref=None)
    finding = SimpleNamespace(detail=said, facts=SimpleNamespace(workload=workload))
    view = SimpleNamespace(declared={})
    try:
        return list(one_at_a_time(cast(Any, finding), cast(Any, view)))
    except AttributeError:  # it was drafted: the object of this case has no reference
        return ["drafted"]


@pytest.mark.parametrize("holders", ["db-9", "web-1", "web-1, web-2"])
def test_a_volume_that_others_hold_is_a_persons(holders: str) -> None:
    assert plans(ERROR + holders) == []


@pytest.mark.parametrize(
    "said", [ERROR + "db-1", ERROR + "web-1, db-2", "Multi-Attach error for volume data"]
)
def test_the_old_pod_of_the_same_workload_goes_first(said: str) -> None:
    assert plans(said) != []
