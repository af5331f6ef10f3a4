"""Fields set by path, as `kfix edit` does: what is missing is made, once, and nothing that nobody asked for."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests import NotEditable, patch
from manifests.text import equivalence, plan_edits, read
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange


def wish(text: str, wanted: dict[str, Any]) -> str:
    return patch(text, plan_edits.set_values(read.read(text)[0], wanted))


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        pytest.param(
            "e:\n- name: A\n  value: x\n",
            {
                "e[name=B].valueFrom.secretKeyRef.name": "s",
                "e[name=C].value": "1",
                "e[name=B].valueFrom.secretKeyRef.key": "k",
            },
            'e:\n- name: A\n  value: x\n- name: B\n  valueFrom:\n    secretKeyRef:\n      name: s\n      key: k\n- name: C\n  value: "1"\n',
            id="two fields of one new item, then another item",
        ),
        pytest.param(
            "l:\n- a\nc: {}\n",
            {"c.env[name=A].value": "1", "c.env[name=B].value": "2", "c.env[name=A].x": "3"},
            'l:\n- a\nc:\n  env:\n  - name: A\n    value: "1"\n    x: "3"\n  - name: B\n    value: "2"\n',
            id="a list that is missing",
        ),
        pytest.param(
            "e: []\n",
            {"e[name=A].value": "1", "e[name=B].value": "2"},
            'e:\n  - name: A\n    value: "1"\n  - name: B\n    value: "2"\n',
            id="an empty list",
        ),
        pytest.param(
            "r:\n  limits:\n    cpu: 1\n",
            {"r.requests.cpu": "1", "r.requests.memory": "1Gi", "r.limits.cpu": 2},
            'r:\n  limits:\n    cpu: 2\n  requests:\n    cpu: "1"\n    memory: 1Gi\n',
            id="a mapping that is missing",
        ),
        pytest.param(
            "kind: X\nenv:\n- name: A\n  value: x\nlabels: {}\nports: []\n",
            {
                "env[name=B].value": 5,
                "env[name=A].value": True,
                "labels.tier": 1,
                "annotations": {"a": 2},
                "ports": [80],
                "spec.values.labels.tier": 1,
            },
            'kind: X\nenv:\n- name: A\n  value: "true"\n- name: B\n  value: "5"\n'
            'labels:\n  tier: "1"\nports:\n- 80\nannotations:\n  a: "2"\n'
            "spec:\n  values:\n    labels:\n      tier: 1\n",
            id="text where the API takes nothing else",
        ),
        pytest.param(
            "args: ['-v', '-v', x]\nl: [a, null]\n",
            {"args": ["-v", "-v", "-v", "-v", "x"], "l": ["a", "1", "a", None]},
            "args: [-v, -v, '-v', '-v', x]\nl: [a, \"1\", a, null]\n",
            id="items twice",
        ),
        pytest.param("c:\n  a: x\n", {"c": {"b": {"d": 1}}}, "c:\n  b:\n    d: 1\n", id="exchange"),
    ],
)
def test_what_is_missing_is_made_once(text: str, wanted: dict[str, Any], expected: str) -> None:
    assert wish(text, wanted) == expected
    assert wish(expected, wanted) == expected
    yaml.safe_load(expected)


@pytest.mark.parametrize(
    ("text", "wanted", "code"),
    [
        ("containers:\n- name: a\n", {"containers[name=b].image": "x"}, "NOT_FOUND"),
        ("s:\n  initContainers: []\n", {"s.initContainers[name=b].image": "x"}, "NOT_FOUND"),
        ("a: {}\n", {"a.b.c": 1, "a.b": {"c": 2}}, "UNSUPPORTED"),
        ("a: 1\n", {"a.b": 1}, "NOT_FOUND"),
    ],
)
def test_a_slip_of_the_pen_makes_nothing(text: str, wanted: dict[str, Any], code: str) -> None:
    with pytest.raises(NotEditable) as refused:
        wish(text, wanted)
    assert refused.value.code == code


def test_a_whole_new_container_may_come() -> None:
    text = "s:\n  containers:\n  - name: a\n"
    wanted = {"s.containers[name=b]": {"image": "x"}}
    assert wish(text, wanted) == text + "  - name: b\n    image: x\n"


def some(rnd: random.Random, depth: int) -> Any:
    kind = rnd.random()
    if depth == 0 or kind < 0.4:
        return rnd.choice(["x", "w", "1", 1, 2, True, None, "", 1.5, "on"])
    if kind < 0.7:
        return {rnd.choice("abcdeg"): some(rnd, depth - 1) for _ in range(rnd.randint(0, 4))}
    if kind < 0.85:
        return [some(rnd, depth - 1) for _ in range(rnd.randint(0, 4))]
    return [{"name": name, "v": some(rnd, depth - 1)} for name in rnd.sample("pqrs", 3)]


def changed(rnd: random.Random, node: Any) -> Any:
    """The value with one change somewhere inside."""
    node = copy.deepcopy(node)
    if not isinstance(node, dict | list) or not node:
        return some(rnd, 2)
    slot = rnd.choice(list(node)) if isinstance(node, dict) else rnd.randrange(len(node))
    kind = rnd.random()
    if kind < 0.5:
        node[slot] = changed(rnd, node[slot])
    elif kind < 0.7:
        del node[slot]
    elif isinstance(node, dict):
        node["new"] = some(rnd, 2)
    elif kind < 0.9:
        node.insert(slot, rnd.choice([node[slot], some(rnd, 1)]))
    else:
        rnd.shuffle(node)
    return node


@settings(max_examples=250, deadline=None)
@given(st.randoms(use_true_random=False))
def test_what_was_wished_is_what_the_file_says_afterwards(rnd: random.Random) -> None:
    root = {key: some(rnd, 3) for key in "abc"}
    style = rnd.choice([False, None])
    text = yaml.safe_dump(root, sort_keys=False, default_flow_style=style)
    wanted = changed(rnd, changed(rnd, root["b"]))
    try:
        edits = plan_edits.set_values(read.read(text)[0], {"b": wanted})
        after = yaml.safe_load(patch(text, edits))
    except NotEditable as refused:
        code = refused.code
    else:
        assert equivalence.equivalent(("b",), after.pop("b"), wanted)
        del root["b"]
        assert after == root
        return
    assert code == "UNSUPPORTED"


def planned(text: str, *fields: FieldChange) -> str:
    change = KubernetesChange(object=ObjectRef(kind="X", name="x"), fields=fields)
    return patch(text, plan_edits.edits_of(change, read.read(text)[0]))


def test_an_item_added_at_a_position_leaves_the_one_that_is_there() -> None:
    assert planned("l: [a, b]\n", FieldChange(op="add", path="l[1]", after="c")) == "l: [a, c, b]\n"
    assert planned("l: [a, ~]\n", FieldChange(op="add", path="l[1]", after="c")) == "l: [a, c, ~]\n"


@pytest.mark.parametrize(
    "fields",
    [
        (
            FieldChange(op="remove", path="l[0]", before="a"),
            FieldChange(op="remove", path="l[1]", before="c"),
        ),
        (
            FieldChange(op="add", path="l[0]", after="c"),
            FieldChange(op="add", path="l[0]", after="a"),
        ),
        (
            FieldChange(op="add", path="m", after={"a": 1}),
            FieldChange(op="remove", path="m.a", before=1),
        ),
    ],
)
def test_changes_that_mean_something_else_one_after_another_are_refused(
    fields: tuple[FieldChange, ...],
) -> None:
    with pytest.raises(NotEditable) as refused:
        planned("l: [a, b, c]\n", *fields)
    assert refused.value.code == "UNSUPPORTED"
