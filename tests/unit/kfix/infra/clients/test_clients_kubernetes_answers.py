"""What an answer of the API server must look like before a stage reads it, and that real objects do."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from enrich.adapters.capture import read_capture
from kfix.infra.clients.kubernetes.answers import items_of, object_of
from kfix.infra.clients.kubernetes.kinds import ResourceType, Table
from kfix.offline.diagnose import case_of
from manifests.objects.selectors import asked
from schemas import errors

POD = ResourceType("v1", "pods", "Pod")
CASES = sorted(Path("tests/corpus/cases").iterdir())
GOOD: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {
        "name": "api-0",
        "namespace": "shop",
        "labels": {"app": "api"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "api"}],
    },
    "spec": {"containers": [{"name": "app"}], "volumes": None},
    "status": {"containerStatuses": [{"name": "app", "ready": True}], "conditions": []},
}
PATHS = (
    "metadata",
    "metadata.labels",
    "metadata.annotations",
    "metadata.ownerReferences",
    "spec",
    "spec.containers",
    "spec.initContainers",
    "status",
    "status.conditions",
    "status.containerStatuses",
)


@pytest.mark.parametrize("wrong", [5, "text", True, [5], [None], ["x"], [[]]], ids=repr)
@pytest.mark.parametrize("path", PATHS)
def test_a_part_of_another_type_makes_the_answer_malformed(path: str, wrong: Any) -> None:
    item = copy.deepcopy(GOOD)
    *way, last = path.split(".")
    place = item
    for name in way:
        place = place[name]
    place[last] = wrong
    with pytest.raises(errors.Unavailable) as failed:
        object_of(POD, item, "shop", "api-0")
    assert failed.value.reason == "malformed"


def test_a_good_object_is_taken_as_it_is() -> None:
    assert object_of(POD, copy.deepcopy(GOOD), "shop", "api-0") == GOOD


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_every_captured_object_has_the_shape(case: Path) -> None:
    told = case_of(case)
    found = read_capture(told.dump, told.repository, told.folder).objects
    table = Table()
    seen = 0
    for plural, items in found.items():
        kind = table.plural(plural)
        for item in items:
            seen += 1
            if kind is not None:
                object_of(kind, item)
    assert seen


@pytest.mark.parametrize("page", [{}, {"id": 5}, {"items": 5}, {"items": {}}, {"items": [{}]}])
def test_a_document_without_a_list_of_objects_is_no_empty_list(page: Any) -> None:
    with pytest.raises(errors.Unavailable) as failed:
        items_of(POD, page, "", "")
    assert failed.value.reason == "malformed"


@pytest.mark.parametrize("items", [[], None])
def test_a_list_without_objects_is_empty(items: Any) -> None:
    assert items_of(POD, {"kind": "PodList", "items": items}, "shop", "") == []


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ("app=api", True),
        ("app==api", True),
        ("app=cart", False),
        ("app!=cart", True),
        ("app!=api", False),
        ("gone!=x", True),
        ("app", True),
        ("gone", False),
        ("!gone", True),
        ("!app", False),
        ("app in (cart, api)", True),
        ("app in (cart)", False),
        ("app notin (cart)", True),
        ("gone notin (cart)", True),
        ("app notin (api,cart)", False),
        ("app=api,tier in (a,b),!gone", True),
        ("app=api,tier in (c)", False),
    ],
)
def test_a_label_selector_selects_as_the_api_says(selector: str, holds: bool) -> None:
    assert asked(selector, {"app": "api", "tier": "a"}) is holds
