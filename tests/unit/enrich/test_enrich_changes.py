"""What changed: revisions of a workload, and the fields in which two of them differ."""

from __future__ import annotations

from typing import Any

import pytest

from enrich.core.changes import revision, rollouts
from manifests.objects.differences import differences
from manifests.objects.times import instant

REVISION = "deployment.kubernetes.io/revision"


def replicaset(
    number: object,
    image: str,
    owner: str = "api",
    namespace: str = "shop",
    kind: str = "Deployment",
    at: str = "",
    **labels: str,
) -> dict[str, Any]:
    return {
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{owner}-{number}",
            "namespace": namespace,
            "annotations": {REVISION: str(number)},
            "creationTimestamp": at or f"2026-11-24T08:0{number}:00Z",
            "ownerReferences": [{"kind": kind, "name": owner, "controller": True}],
        },
        "spec": {
            "template": {
                "metadata": {"labels": {"pod-template-hash": str(number), **labels}},
                "spec": {"containers": [{"name": "app", "image": image}]},
            }
        },
    }


def test_revisions_are_told_newest_first_with_what_differs() -> None:
    found = rollouts({"replicasets": [replicaset(1, "a"), replicaset(3, "c"), replicaset(2, "b")]})
    assert [change.revision for change in found] == ["3", "2", "1"]
    assert found[0].detail == {"spec.containers[name=app].image": ["b", "c"]}
    assert found[0].object is not None
    assert found[0].object.key == "Deployment/shop/api"
    assert (found[2].detail, found[2].summary) == (None, "first known revision")


def test_equal_names_of_other_namespaces_and_kinds_are_other_families() -> None:
    objects = [
        replicaset(1, "a"),
        replicaset(2, "b"),
        replicaset(1, "x", namespace="test"),
        replicaset(2, "y", namespace="test"),
        replicaset(1, "p", kind="Rollout"),
    ]
    found = {
        (c.object.key, c.revision): c.detail for c in rollouts({"replicasets": objects}) if c.object
    }
    assert found["Deployment/shop/api", "2"] == {"spec.containers[name=app].image": ["a", "b"]}
    assert found["Deployment/test/api", "2"] == {"spec.containers[name=app].image": ["x", "y"]}
    assert found["Rollout/shop/api", "1"] is None
    assert len(found) == 5


def test_replicasets_that_nobody_owns_or_numbers_are_no_revisions() -> None:
    orphan = replicaset(1, "a")
    del orphan["metadata"]["ownerReferences"]
    assert rollouts({"replicasets": [orphan, replicaset("x", "a"), replicaset("", "a")]}) == []
    assert revision({"metadata": {"annotations": {REVISION: "12"}}}) == 12


def test_the_hash_that_a_controller_writes_is_no_change() -> None:
    one, two = rollouts({"replicasets": [replicaset(1, "a"), replicaset(2, "a")]})
    assert (one.detail, one.summary) == ({}, "no visible difference")
    assert two.revision == "1"


def env(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"env": [{"name": name, "value": value} for name, value in pairs]}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (env(("A", "1")), env(("A", "2")), {"env[name=A].value": ["1", "2"]}),
        (env(("A", "1"), ("B", "1")), env(("B", "1"), ("A", "1")), {}),
        (
            env(("A", "1")),
            env(("A", "1"), ("B", "2")),
            {"env[name=B]": [None, {"name": "B", "value": "2"}]},
        ),
        (env(("A", "1")), {}, {"env": [[{"name": "A", "value": "1"}], None]}),
        ({"n": 1}, {"n": None}, {"n": [1, None]}),
        ({"args": ["a"]}, {"args": ["a", "b"]}, {"args": [["a"], ["a", "b"]]}),
    ],
)
def test_fields_that_differ_have_a_path(before: Any, after: Any, expected: Any) -> None:
    assert differences(before, after) == expected


def test_a_name_that_stands_twice_hides_no_change() -> None:
    """A variable set twice, or subjects of two kinds with one name: the second one is not the first."""
    before, after = env(("A", "1"), ("A", "2")), env(("A", "3"), ("A", "2"))
    assert differences(before, after) == {"env": [before["env"], after["env"]]}
    user, group = {"kind": "User", "name": "ops"}, {"kind": "Group", "name": "ops"}
    assert differences({"subjects": [user, group]}, {"subjects": [group]}) == {
        "subjects": [[user, group], [group]]
    }


@pytest.mark.parametrize("text", [None, "", "yesterday", 7, {}])
def test_what_is_no_time_is_none(text: object) -> None:
    assert instant(text) is None
