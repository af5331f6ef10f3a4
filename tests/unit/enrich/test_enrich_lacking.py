"""What a dump lacks is named; what somebody made by hand lacks says nothing."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import pytest

from enrich.core.lacking import lacking, strange

DUMP = {
    "pods", "events", "services", "deployments", "replicasets", "daemonsets",
}  # fmt: skip
MORE = {"configmaps", "endpoints", "networkpolicies", "persistentvolumeclaims", "serviceaccounts"}


def _objects(*spaces: str) -> dict[str, list[Any]]:
    return {"deployments": [{"metadata": {"name": "a", "namespace": s}} for s in spaces]}


def _lists(**kinds: set[str]) -> dict[PurePath, set[str]]:
    return {PurePath(place.replace("__", "/")): found for place, found in kinds.items()}


@pytest.mark.parametrize("kind", ["pods", "events", "services"])
def test_a_dump_without_a_basic_kind_lacks_it(kind: str) -> None:
    assert lacking(_lists(shop=DUMP - {kind}), _objects("shop"), "shop") == (kind,)


@pytest.mark.parametrize("kind", sorted(MORE))
def test_a_whole_dump_lacks_what_decides_and_a_smaller_one_does_not(kind: str) -> None:
    assert lacking(_lists(shop=(DUMP | MORE) - {kind}), _objects("shop"), "shop") == (kind,)
    assert lacking(_lists(shop=DUMP), _objects("shop"), "shop") == ()


def test_any_controller_and_either_kind_of_endpoints_will_do() -> None:
    listed = (DUMP | MORE | {"statefulsets", "endpointslices"}) - {"deployments", "endpoints"}
    assert lacking(_lists(shop=listed), {}, "shop") == ()


def test_a_folder_that_was_made_by_hand_lacks_nothing() -> None:
    assert lacking(_lists(shop={"deployments", "services"}), _objects("shop"), "shop") == ()
    assert lacking({}, _objects("shop"), "shop") == ()


def test_lists_of_all_namespaces_and_single_objects_are_there() -> None:
    apart = {PurePath(): {"pods"}, PurePath("shop"): DUMP - {"pods", "services"}}
    objects = _objects("shop") | {"services": [{"metadata": {"name": "a", "namespace": "shop"}}]}
    assert lacking(apart, objects, "shop") == ()


def test_another_namespaces_list_is_not_this_ones() -> None:
    listed = _lists(shop=DUMP - {"pods"}, web=DUMP)
    assert lacking(listed, _objects("shop", "web"), "shop") == ("pods",)
    assert lacking(listed, _objects("shop", "web"), "web") == ()
    assert lacking(listed, _objects("shop", "web"), "") == ()


def test_folders_below_a_namespaces_are_its_own() -> None:
    listed = _lists(namespaces__shop__core=DUMP - {"deployments"}, namespaces__shop__apps={"deployments"})  # fmt: skip
    assert lacking(listed, _objects("shop"), "shop") == ()


def test_a_dump_of_other_namespaces_has_nothing_of_this_one() -> None:
    listed = _lists(web=DUMP)
    assert strange(listed, _objects("web"), "shop")
    assert not strange(listed, _objects("web"), "web")
    assert not strange(listed, _objects("web"), "")
    assert not strange({PurePath(): DUMP}, _objects("web"), "shop"), "lists of all: it has none"
    assert not strange(_lists(web={"pods"}), _objects("web"), "shop")


def test_a_folder_of_empty_lists_beside_a_namespaces_own_is_another_ones() -> None:
    """It has no object that would say whose it is."""
    listed = _lists(shop=DUMP - {"events"}, quiet=DUMP)
    assert lacking(listed, _objects("shop"), "shop") == ("events",)


def test_folders_by_kind_are_about_all_namespaces() -> None:
    listed = {PurePath(kind): {kind} for kind in DUMP - {"events"}}
    assert lacking(listed, _objects("shop"), "shop") == ("events",)
    assert lacking(listed | {PurePath("events"): {"events"}}, _objects("shop"), "shop") == ()
