"""Entries and items that go, come and change places in one mapping or list."""

from __future__ import annotations

import pytest
import yaml

from manifests import NotEditable, amend, patch
from manifests.objects import paths
from manifests.text.editor import Delete, Edit, Insert
from manifests.text.splices import apply_splices

P = paths.parse


def exchange(path: str, old: dict[str, object], new: dict[str, object]) -> list[Edit]:
    """All entries of ``old`` go, all of ``new`` come."""
    at = P(path) if path else ()
    return [
        *(Delete(0, (*at, key), value) for key, value in old.items()),
        *(Insert(0, at, key, value) for key, value in new.items()),
    ]


@pytest.mark.parametrize(
    ("before", "edits", "after"),
    [
        pytest.param(
            "spec:\n  selector:\n    app: web\n  type: ClusterIP\n",
            exchange("spec.selector", {"app": "web"}, {"name": "web"}),
            "spec:\n  selector:\n    name: web\n  type: ClusterIP\n",
            id="the only entry of a block mapping",
        ),
        pytest.param(
            "s: {app: web}\nt: 1\n",
            exchange("s", {"app": "web"}, {"name": "web", "tier": "1"}),
            's: {name: web, tier: "1"}\nt: 1\n',
            id="the only entry of a flow mapping",
        ),
        pytest.param(
            "t:\n- key: a  # spot\n- key: b\n",
            exchange("t[0]", {"key": "a"}, {"operator": "Exists"}),
            "t:\n- operator: Exists\n- key: b\n",
            id="the only entry beside a dash",
        ),
        pytest.param(
            "t:\n  -   key: a\n      value: b\n\n  -   key: c\n",
            exchange("t[0]", {"key": "a", "value": "b"}, {"x": {"v": 1}, "z": "w"}),
            "t:\n  -   x:\n        v: 1\n      z: w\n\n  -   key: c\n",
            id="all entries beside a dash, wide gap",
        ),
        pytest.param(
            "e:\n- name: A\n  value: x\n- name: B\n",
            exchange("e[0]", {"value": "x"}, {"valueFrom": {"secretKeyRef": {"name": "s"}}}),
            "e:\n- name: A\n  valueFrom:\n    secretKeyRef:\n      name: s\n- name: B\n",
            id="one entry for a mapping",
        ),
        pytest.param(
            "n:\n  # keep\n  a: 1\n  # this\n  b: 2  # not this\nz: 1\n",
            exchange("n", {"a": 1, "b": 2}, {"c": 3}),
            "n:\n  # keep\n  # this\n  c: 3\nz: 1\n",
            id="comments on lines of their own stay",
        ),
        pytest.param(
            "n:\n  # keep\n  a: 1\n  b: 2\nz: 1\n",
            exchange("n", {"a": 1, "b": 2}, {}),
            "n: {}\n  # keep\nz: 1\n",
            id="all of several go",
        ),
        pytest.param(
            "n:  # spot\n- a\n- b\n",
            [Delete(0, P("n[0]"), "a"), Delete(0, P("n[1]"), "b")],
            "n: []  # spot\n",
            id="all items go",
        ),
        pytest.param(
            "n: &n\n  a: 1\n", exchange("n", {"a": 1}, {}), "n: &n {}\n", id="behind an anchor"
        ),
        pytest.param("l:\n- a: 1\n", exchange("l[0]", {"a": 1}, {}), "l:\n- {}\n", id="item"),
        pytest.param(
            "l:\n- a: 1\n  b: 2\n  c: 3\n",
            exchange("l[0]", {"a": 1, "b": 2}, {}),
            "l:\n- c: 3\n",
            id="the third moves up beside the dash",
        ),
        pytest.param(
            "a: 1\nb: 2\nc: 3", exchange("", {"b": 2, "c": 3}, {}), "a: 1", id="the last two lines"
        ),
        pytest.param(
            "a:\n  x: 1\r\nb: 2",
            [Delete(0, P("b"), 2), Insert(0, P("a"), "w", 2)],
            "a:\n  x: 1\r\n  w: 2",
            id="the last line goes, one above it comes",
        ),
        pytest.param(
            "# head\n---\na: 1\nb: 2\n---\nc: 3\n",
            exchange("", {"a": 1, "b": 2}, {}),
            "# head\n---\n{}\n---\nc: 3\n",
            id="all of a document",
        ),
        pytest.param(
            "l:\n  -\n    a: 1\n  - &l\n    - b\n",
            [Delete(0, P("l[0].a"), 1), Delete(0, P("l[1][0]"), "b")],
            "l:\n  -\n    {}\n  - &l\n    []\n",
            id="all of items below their dashes",
        ),
        pytest.param(
            "f: {a: 1, b: 2, c: 3, d: 4}\n",
            exchange("f", {"a": 1, "b": 2, "d": 4}, {}),
            "f: {c: 3}\n",
            id="neighbours in a flow mapping",
        ),
        pytest.param(
            "f: {a: 1, b: 2}\n", exchange("f", {"a": 1, "b": 2}, {}), "f: {}\n", id="flow, all"
        ),
        pytest.param(
            "f: [a, b, c, d]\n",
            [
                Delete(0, P("f[0]"), "a"),
                Delete(0, P("f[3]"), "d"),
                Insert(0, P("f"), 0, "w"),
                Insert(0, P("f"), 0, "x"),
                Insert(0, P("f"), 2, "v"),
                Insert(0, P("f"), 4, "z"),
            ],
            "f: [w, x, b, v, c, z]\n",
            id="items of a flow list",
        ),
        pytest.param(
            'x: {\n  "a": 1,  # one\n  "b": 2\n}\n',
            [Delete(0, P("x.b"), 2)],
            'x: {\n  "a": 1  # one\n}\n',
            id="the comma before the last line, its comment stays",
        ),
        pytest.param(
            "x: [\n  a,  # one\n  b,  # two\n]\n",
            [Delete(0, P("x[0]"), "a"), Insert(0, P("x"), 2, "c")],
            "x: [\n  b,  # two\n  c,\n]\n",
            id="items on lines of their own",
        ),
        pytest.param(
            "x: [\n  a  # one\n]\n",
            [Insert(0, P("x"), 1, "b")],
            "x: [\n  a,  # one\n  b\n]\n",
            id="a comma before a comment",
        ),
        pytest.param(
            '[{"n": [{"a": 1}]}]\n',
            [Insert(0, P("[0].n"), 1, {"b": "x"}), Insert(0, P("[0].n"), 1, {"c": None})],
            '[{"n": [{"a": 1}, {"b": "x"}, {"c": null}]}]\n',
            id="JSON stays JSON",
        ),
        pytest.param(
            "x: &x 1\nl:\n- *x\n- a\n# *y\n- *x\nz: 1\n",
            [Insert(0, P("l"), 3, "b"), Delete(0, P("l[1]"), "a"), Insert(0, P("l"), 0, "c")],
            "x: &x 1\nl:\n- c\n- *x\n# *y\n- *x\n- b\nz: 1\n",
            id="around aliases",
        ),
        pytest.param(
            "l: [&x a, b, *x, *x, c]\n",
            [Delete(0, P("l[1]"), "b"), Insert(0, P("l"), 3, "d"), Delete(0, P("l[4]"), "c")],
            "l: [&x a, *x, d, *x]\n",
            id="among aliases in flow",
        ),
        pytest.param(
            "m:\n  l:\n  - a: &x 1\n  - *x\nz: 1\n",
            [Insert(0, P("m"), "w", 2)],
            "m:\n  l:\n  - a: &x 1\n  - *x\n  w: 2\nz: 1\n",
            id="below a list that ends with an alias",
        ),
        pytest.param(
            "x: [\n  a,  # one\n  b\n]\n",
            [Insert(0, P("x"), 0, "c"), Insert(0, P("x"), 1, "d")],
            "x: [\n  c,\n  a,  # one\n  d,\n  b\n]\n",
            id="items above others on lines of their own",
        ),
        pytest.param(
            "l: []\nm: { }\n",
            [Insert(0, P("l"), 0, "a"), Insert(0, P("l"), 0, {"b": 1}), Insert(0, P("m"), "c", 1)],
            "l:\n  - a\n  - b: 1\nm:\n  c: 1\n",
            id="several into nothing",
        ),
        pytest.param(
            "m:\n  f: |+\n    text\n\nz: 1\n",
            [Insert(0, P("m"), "g", 1)],
            "m:\n  f: |+\n    text\n\n  g: 1\nz: 1\n",
            id="below a literal that keeps its blank lines",
        ),
        pytest.param(
            "l:\n- a\n",
            [Insert(0, P("l"), 1, ["b", "c"])],
            "l:\n- a\n- - b\n  - c\n",
            id="a list inside a list",
        ),
        pytest.param(
            "m:\n    a:\n        b: 1\nl: []\n",
            [Insert(0, P("m"), "c", {"d": 1})],
            "m:\n    a:\n        b: 1\n    c:\n        d: 1\nl: []\n",
            id="four columns where the file has four",
        ),
    ],
)
def test_siblings_are_laid_out_together(before: str, edits: list[Edit], after: str) -> None:
    done = amend(before, edits)
    assert done.text == after
    assert apply_splices(after, done.inverse) == before


@pytest.mark.parametrize(
    ("text", "edits", "code"),
    [
        ("l:\n- a: 1\n  # about b\n  b: 2\n", [Delete(0, P("l[0].a"), 1)], "UNSUPPORTED"),
        ("x: [a, # one\n  b]\n", [Delete(0, P("x[1]"), "b")], "UNSUPPORTED"),
        ("x: [ # all\n  a]\n", [Delete(0, P("x[0]"), "a")], "UNSUPPORTED"),
        ("q: &q {a: 1}\nx:\n  <<: *q\n  a: 2\n", [Delete(0, P("x.a"), 2)], "ALIASED"),
        (
            "x: {a: 1}\n",
            [*exchange("x", {}, {"b": 1}), *exchange("x", {}, {"b": 2})],
            "NOT_MINIMAL",
        ),
        ("l:\n- - a\n  - b\n", [Delete(0, P("l[0][0]"), "a")], "UNSUPPORTED"),
        ("a: 1\n", [Delete(0, (), {"a": 1})], "UNSUPPORTED"),
        ("a: 1\n", [Delete(0, P("a"), 2)], "STALE"),
        ("a: {b: 1}\n", [Insert(0, P("c"), "d", 1)], "NOT_FOUND"),
        ("a: 1\n", [Insert(0, P("a"), "d", 1)], "UNSUPPORTED"),
        ("a: {b: 1}\n", [Insert(0, P("a"), 0, 1)], "UNSUPPORTED"),
        ("a: [b]\n", [Insert(0, P("a"), 2, 1)], "STALE"),
        ("a: &n {}\n", [Insert(0, P("a"), "b", 1)], "UNSUPPORTED"),
        ("a:\n  {}\n", [Insert(0, P("a"), "b", 1), Delete(0, P("a"), {})], "UNSUPPORTED"),
        ("l: [b: 1]\n", [Delete(0, P("l[0].b"), 1)], "UNSUPPORTED"),
        ("? {a: 1}\n: 1\nb: 2\n", [Insert(0, (), "c", 1)], "TEMPLATED"),
        ("? a\n: 1\nb: 2\n", [Insert(0, (), "c", 1)], "UNSUPPORTED"),
        ("m: {a, b}\n", [Insert(0, P("m"), "c", 1)], "UNSUPPORTED"),
        ("l: [\n  a\n  , b\n]\n", [Delete(0, P("l[1]"), "b")], ""),
    ],
)
def test_siblings_that_cannot_be_told_apart_are_refused(
    text: str, edits: list[Edit], code: str
) -> None:
    if not code:
        assert patch(text, edits) == "l: [\n  a\n]\n"
        return
    with pytest.raises(NotEditable) as refused:
        patch(text, edits)
    assert refused.value.code == code


def test_lines_for_one_place_go_from_the_innermost_to_the_outermost() -> None:
    text = "a:\n  l:\n  - b: 1\n"
    edits = [
        Insert(0, P("a"), "z", 1),
        Insert(0, P("a.l"), 1, {"b": 2}),
        Insert(0, P("a.l[0]"), "m", {"k": 1}),
    ]
    assert patch(text, edits) == "a:\n  l:\n  - b: 1\n    m:\n      k: 1\n  - b: 2\n  z: 1\n"


def test_an_item_like_its_neighbour_is_another_item_when_the_list_is_as_it_was_planned() -> None:
    twice = [Insert(0, P("l"), 1, "a", of=1), Insert(0, P("l"), 1, "a", of=1)]
    assert patch("l: [a]\n", twice) == "l: [a, a, a]\n"
    assert patch("l: [a, a, a]\n", twice) == "l: [a, a, a]\n"
    with pytest.raises(NotEditable, match="STALE: the list has 2 items, not 1"):
        patch("l: [a, b]\n", twice)


def test_positions_mean_the_first_text_also_inside_items_that_move() -> None:
    text = "l:\n- x: [1, 2]\n- x: [3, 4]\n- x: [5, 6]\n"
    edits = [
        Delete(0, P("l[0]"), {"x": [1, 2]}),
        Insert(0, P("l"), 1, {"x": []}),
        Delete(0, P("l[2].x[0]"), 5),
        Insert(0, P("l[2].x"), 2, 7),
    ]
    assert yaml.safe_load(patch(text, edits)) == {"l": [{"x": []}, {"x": [3, 4]}, {"x": [6, 7]}]}
