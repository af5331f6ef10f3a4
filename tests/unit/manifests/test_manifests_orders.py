"""The order of a pod's lists counts where it means something, and nowhere else."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from manifests.render import orders
from schemas.base import Json


def deployment(kind: str = "Deployment", version: str = "apps/v1", **container: Any) -> Json:
    pod = {"containers": [{"name": "api", **container}]}
    return {"apiVersion": version, "kind": kind, "spec": {"template": {"spec": pod}}}


def env(*listed: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in listed]


@pytest.mark.parametrize(
    ("key", "items"),
    [
        ("env", env(("A", "1"), ("B", "2"), ("C", "$$(A)"))),
        (
            "ports",
            [{"containerPort": 80}, {"containerPort": 443}, {"containerPort": 9, "name": "a"}],
        ),
        ("volumeMounts", [{"mountPath": "/a", "name": "x"}, {"mountPath": "/b", "name": "x"}]),
    ],
)
def test_lists_that_are_keyed_are_the_same_in_any_order(key: str, items: list[Json]) -> None:
    found = [orders.settled(deployment(**{key: list(o)})) for o in itertools.permutations(items)]
    assert all(one == found[0] for one in found)


def test_volumes_are_the_same_in_any_order_and_containers_are_not() -> None:
    def pod(**lists: Json) -> Json:
        return {"apiVersion": "v1", "kind": "Pod", "spec": lists}

    two = [{"name": "a"}, {"name": "b"}]
    assert orders.settled(pod(volumes=two)) == orders.settled(pod(volumes=two[::-1]))
    for key in ("initContainers", "containers"):
        before, after = pod(**{key: two}), pod(**{key: two[::-1]})
        assert orders.settled(before) != orders.settled(after)
        assert list(orders.others(before, after)) == [f"spec.{key}"]


def filled_in(listed: list[dict[str, str]]) -> dict[str, str]:
    """As a kubelet does it: each from those before it."""
    known: dict[str, str] = {}
    for one in listed:
        value = one["value"]
        for name, said in list(known.items()):
            value = value.replace(f"$({name})", said)
        known[one["name"]] = value
    return known


@pytest.mark.parametrize(
    "items",
    [
        env(("A", "1"), ("B", "$(A)-2"), ("C", "3")),
        env(("A", "1"), ("B", "$(A)"), ("C", "$(B)$(D)"), ("D", "4")),
        env(("A", "$(A)"), ("B", "$(OTHER)"), ("C", "3")),
    ],
)
def test_variables_are_the_same_where_they_are_filled_in_alike(items: list[dict[str, str]]) -> None:
    for order in itertools.permutations(items):
        same = orders.settled(deployment(env=list(order))) == orders.settled(deployment(env=items))
        assert not same or filled_in(list(order)) == filled_in(items)
        refers = any("$(" in one["value"] for one in items)
        assert same or refers


@pytest.mark.parametrize(
    "item",
    [
        deployment(env=env(("A", "1"), ("A", "2"))),
        deployment(env=env(("B", "1"), ("A", "2")), kind="Thing", version="example.com/v1"),
        deployment(env=[{"name": "B"}, "A"]),
        deployment(envFrom=[{"secretRef": {"name": "b"}}, {"secretRef": {"name": "a"}}]),
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"b": "1", "a": "2"}},
        {},
    ],
    ids=["twice", "not built in", "odd", "sources", "no pod", "nothing"],
)
def test_what_is_not_keyed_stays_as_it_is(item: Json) -> None:
    assert orders.settled(item) == item
