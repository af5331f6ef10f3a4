"""Quantities, selectors and typed changes against simple models of them."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.objects import quantities, selectors
from manifests.objects.changes import apply, invert
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

API = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api")
_POWERS = {
    **{suffix: Decimal(1000) ** n for n, suffix in enumerate(["", "k", "M", "G", "T", "P", "E"])},
    **{f"{suffix}i": Decimal(1024) ** n for n, suffix in enumerate("KMGTPE", 1)},
    **{suffix: Decimal(1000) ** -n for n, suffix in enumerate("mun", 1)},
}


@given(st.integers(-999, 9999), st.sampled_from(sorted(_POWERS)))
def test_a_quantity_is_its_number_times_the_power_of_its_suffix(number: int, suffix: str) -> None:
    assert quantities.parse(f"{number}{suffix}") == number * _POWERS[suffix]
    assert quantities.parse(f" {number}.5e3 ") == Decimal(f"{number}.5") * 1000
    assert quantities.parse(number) == number


@pytest.mark.parametrize("bad", ["", "1 Gi", "1gi", "Gi", "1.2.3", "1e", "one", "1KI", True])
def test_what_is_no_quantity_is_refused(bad: Any) -> None:
    with pytest.raises(quantities.BadQuantity):
        quantities.parse(bad)


@given(st.integers(0, 40_000))
def test_amounts_are_written_in_the_largest_whole_unit_and_rounded_up(amount: int) -> None:
    cores = quantities.format_cpu(Decimal(amount) / 1000)
    assert cores == (str(amount // 1000) if amount % 1000 == 0 else f"{amount}m")
    size = quantities.format_memory(amount * 2**18)
    mib = math.ceil(amount / 4)
    assert size == (f"{mib // 1024}Gi" if mib and mib % 1024 == 0 else f"{mib}Mi")
    assert quantities.parse(size) == mib * 2**20


@pytest.mark.parametrize("gib", [1, 2, 7])
def test_whole_gibibytes_are_written_so(gib: int) -> None:
    assert quantities.format_memory(gib * 2**30) == f"{gib}Gi"
    assert quantities.format_memory(gib * 2**30 + 1) == f"{gib * 1024 + 1}Mi"


_LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2", None]), max_size=3)
_ENTRY = st.fixed_dictionaries(
    {
        "key": st.sampled_from("abc"),
        "operator": st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
    }
)


@given(_LABELS, _LABELS, st.lists(_ENTRY, max_size=2), st.lists(st.sampled_from("12"), min_size=1))
def test_a_selector_selects_what_all_it_demands_is_true_of(
    labels: dict[str, Any], wanted: dict[str, Any], entries: list[Any], values: list[str]
) -> None:
    listed = [
        {**entry, "values": values} if entry["operator"].endswith("In") else entry
        for entry in entries
    ]
    have = {key: value or "" for key, value in labels.items()}
    met = all(key in have and have[key] == (value or "") for key, value in wanted.items())
    for entry in listed:
        key, operator = entry["key"], entry["operator"]
        met = (
            met
            and {
                "In": key in have and have[key] in values,
                "NotIn": key not in have or have[key] not in values,
                "Exists": key in have,
                "DoesNotExist": key not in have,
            }[operator]
        )
    selector = {"matchLabels": wanted, "matchExpressions": listed}
    assert selectors.selects(selector, labels) is met
    assert selectors.matches(selector, labels) is met
    assert selectors.stated(selector) is bool(wanted or listed)
    query = selectors.written(selector)
    again = all(selectors.requirement(labels, one) for one in selectors.parse(query))
    assert again is met, query


@given(
    st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3), min_size=1),
    st.lists(st.tuples(st.sampled_from("xyz"), st.none() | st.integers(0, 3)), max_size=4),
)
def test_a_change_and_its_inverse_give_the_object_back(
    fields: dict[str, int], wishes: list[tuple[str, int | None]]
) -> None:
    now = dict(fields)
    changes = []
    for key, after in wishes:
        before = now.get(key)
        if before is None and after is None:
            continue
        op: Any = "add" if before is None else "remove" if after is None else "replace"
        changes.append(FieldChange(path=f"spec.{key}", op=op, before=before, after=after))
        if after is None:
            del now[key]
        else:
            now[key] = after
    if not changes:
        return
    change = KubernetesChange(object=API, fields=tuple(changes))
    declared = {"spec": fields}
    done = apply(change.fields, declared)
    assert done == {"spec": now}
    assert declared == {"spec": fields}
    assert apply(invert(change).fields, done) == declared
    assert apply(invert(change, declared).fields, done) == declared


def test_what_is_made_is_taken_away_and_the_other_way_round() -> None:
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}}
    made = KubernetesChange(object=API, action="create", manifest=manifest)
    gone = KubernetesChange(object=API, action="delete")
    assert invert(made).action == "delete"
    assert invert(gone).action == "create"
