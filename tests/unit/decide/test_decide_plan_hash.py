"""Plans are told apart by what they change, whatever shape the values have and in whatever order they stand."""

from __future__ import annotations

import itertools

from schemas.base import Json, ObjectRef
from schemas.plans import ActionPlan, FieldChange, KubernetesChange

WEB = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="web")


def hash_of(*values: Json) -> str:
    fields = tuple(FieldChange(op="add", path="spec.list", after=value) for value in values)
    change = KubernetesChange(object=WEB, fields=fields)
    return ActionPlan(
        plan_id="p",
        title="t",
        fix_kind="other",
        confidence=0.5,
        justification="j",
        kubernetes_changes=(change,),
    ).changes_hash


def test_several_values_for_one_place_have_one_hash_in_any_order() -> None:
    values: tuple[Json, ...] = ({"a": 1}, {"b": 2}, "text", 7)
    assert len({hash_of(*order) for order in itertools.permutations(values)}) == 1


def test_other_values_have_another_hash() -> None:
    assert hash_of({"a": 1}, {"b": 2}) != hash_of({"a": 1}, {"b": 3})
