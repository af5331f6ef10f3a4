"""The span editor's words, case by case: lists item by item, lines of literals, values that mean the same, bounds."""

from __future__ import annotations

import difflib
import math
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.objects import changes, paths, selectors
from manifests.refused import NotEditable
from manifests.repository import rendering, tree
from manifests.text import equivalence, plan_edits, read, spans
from manifests.text.diffs import split
from manifests.text.editor import Delete, Insert, Replace, amend, patch
from manifests.text.scalars import plain_text, read_11, read_12, same, value_11, value_12
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

REF = ObjectRef(kind="X", name="x")


def planned(text: str, *fields: FieldChange) -> str:
    change = KubernetesChange(object=REF, fields=fields)
    return patch(text, plan_edits.edits_of(change, read.read(text)[0]))


def code_of(text: str, *fields: FieldChange) -> str:
    with pytest.raises(NotEditable) as caught:
        planned(text, *fields)
    return caught.value.refused.code


WORDS = st.lists(st.sampled_from(["a", "b", "c", "-v", "2"]), min_size=1, max_size=7)
NAMED = st.lists(
    st.builds(lambda n, v: {"name": n, "value": v}, st.sampled_from("abc"), st.sampled_from("xyz")),
    min_size=1,
    max_size=7,
)
PAIRS = st.one_of(st.tuples(WORDS, WORDS), st.tuples(NAMED, NAMED))


@settings(max_examples=150, deadline=None)
@given(PAIRS, st.booleans())
def test_a_list_becomes_the_planned_one_and_keeps_its_equal_items(
    lists: tuple[list[Any], list[Any]], flow: bool
) -> None:
    before, after = lists
    inside = yaml.safe_dump({"args": before}, default_flow_style=flow, sort_keys=False, width=9999)
    text = (
        f"# first\n{inside}# last\nb: 2\n"
        if not flow
        else f"args: {inside[7:].rstrip()[:-1]}\nb: 2\n"
    )
    assert yaml.safe_load(text) == {"args": before, "b": 2}
    done = planned(text, FieldChange(path="args", before=before, after=after))
    assert yaml.safe_load(done) == {"args": after, "b": 2}
    if flow:
        assert len(split(done)) == len(split(text))
    else:
        assert done.startswith("# first\n")
        assert done.endswith("# last\nb: 2\n")


#: Of 300 words each stands there about ten times, in no order that repeats.
_MANY = [str(n * n % 61) for n in range(300)]
_ONE_OTHER = [*_MANY[:150], "c", *_MANY[151:]]


def test_lists_of_many_equal_items_change_in_one_place() -> None:
    text = yaml.safe_dump({"args": _MANY})
    change = KubernetesChange(
        object=REF, fields=(FieldChange(path="args", before=_MANY, after=_ONE_OTHER),)
    )
    done = amend(text, plan_edits.edits_of(change, read.read(text)[0]))
    assert (done.added, done.removed) == (1, 1)


def test_literals_of_many_equal_lines_change_in_one_place() -> None:
    text = "f: |\n" + "".join(f"  {line}\n" for line in _MANY)
    edit = Replace(0, ("f",), "\n".join(_MANY) + "\n", "\n".join(_ONE_OTHER) + "\n")
    done = amend(text, [edit])
    assert (done.added, done.removed) == (1, 1)


DEEP = "a:\n  b:\n    c: 1\n  l:\n  - {name: x, v: 1}\n  - y\nempty:\n"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b.c", True),
        ("a.b.none", False),
        ("a.l[0].v", True),
        ("a.l[name=x].v", True),
        ("a.l[name=x].none", False),
        ("a.l[name=z]", False),
        ("a.l[2]", False),
        ("none", False),
    ],
)
def test_a_path_leads_to_a_node_or_its_last_segment_is_not_there(path: str, found: bool) -> None:
    place = spans.resolve(read.read(DEEP)[0], paths.parse(path))
    assert (place is not None) is found


@pytest.mark.parametrize(
    "path",
    [
        "none.c",
        "empty.x",
        "a.none.c",
        "a.none.c.d",
        "a.b.c.d",
        "a.b[0]",
        "a.l.x",
        "a.l[name=z].v",
        "a.l[2].v",
        "none.a.b.c",
    ],
)
def test_a_path_that_breaks_off_before_its_last_segment_is_refused(path: str) -> None:
    with pytest.raises(NotEditable) as caught:
        spans.resolve(read.read(DEEP)[0], paths.parse(path))
    assert caught.value.refused.code == "NOT_FOUND"


@pytest.mark.parametrize(
    ("text", "bound", "code"),
    [
        ("[" * 100 + "]" * 100, 0, None),
        ("[" * 101 + "]" * 101, 0, "TOO_BIG"),
        ("a: &a 1\nl: [" + ", ".join(["*a"] * 1_000) + "]\n", 0, None),
        ("a: &a 1\nl: [" + ", ".join(["*a"] * 1_001) + "]\n", 0, "TOO_BIG"),
        ("a: [\n", 0, "INVALID_YAML"),
        ("a: {{ x }\n", 0, "TEMPLATED"),
        ("a:\n\tb: 1\n", 0, "TAB_INDENT"),
    ],
    ids=["100 deep", "101 deep", "1000 aliases", "1001 aliases", "broken", "templated", "a tab"],
)
def test_a_file_is_read_up_to_its_bounds(text: str, bound: int, code: str | None) -> None:
    if code is None:
        assert len(read.read(text)) == 1
        return
    with pytest.raises(NotEditable) as caught:
        read.read(text)
    assert caught.value.refused.code == code


def test_the_size_of_a_file_is_bounded_by_its_characters() -> None:
    most = "a: " + "b" * (read.MAX_CHARS - 4) + "\n"
    assert len(most) == read.MAX_CHARS
    assert len(read.read(most)) == 1
    for content in (most + "\n", (most + "\n").encode() * 4):
        with pytest.raises(NotEditable):
            read.read(read.decode(content))
    with pytest.raises(NotEditable) as caught:
        read.decode(b"a: \xff\n")
    assert caught.value.refused.code == "NOT_UTF8"


CPU, PORT, ARG = ("limits", "cpu"), ("port",), ("args", 0)


@pytest.mark.parametrize(
    ("path", "left", "right", "alike"),
    [
        (CPU, "1", 1, True),
        (CPU, "1000m", "1", True),
        (CPU, "1000m", 1.0, True),
        (CPU, "1", "2", False),
        (CPU, "x", "1", False),
        (CPU, None, 0, False),
        (CPU, True, 1, False),
        (("limits", "memory"), "1Gi", "1024Mi", True),
        (PORT, 80, "80", False),
        (PORT, 80, 80, True),
        (("spec", "replicas"), 2, "2", True),
        (("spec", "replicas"), 2, True, False),
        (("x",), "a", "a", True),
        (("x",), "1000m", "1", False),
        (("x",), {"a": 1}, {"a": 1}, True),
        (("x",), {"a": 1}, {"a": 1, "b": None}, False),
        (("x",), {"a": 1}, {"a": 2}, False),
        (("x",), {"a": 1}, {"b": 1}, False),
        (("x",), [1, 2], [1, 2], True),
        (("x",), [1, 2], [2, 1], False),
        (("x",), [1], [1, 2], False),
        (("x",), [1], 1, False),
        (("x",), {}, [], False),
        (("x",), {}, {}, True),
        (("limits",), {"cpu": "1"}, {"cpu": "1000m"}, True),
        (("x",), None, None, True),
        (("x",), None, "null", False),
    ],
)
def test_values_are_alike_where_kubernetes_takes_them_for_the_same(
    path: tuple[Any, ...], left: Any, right: Any, alike: bool
) -> None:
    assert equivalence.equivalent(path, left, right) is alike
    assert equivalence.equivalent(path, right, left) is alike


@pytest.mark.parametrize(
    ("path", "now", "new", "written"),
    [
        (CPU, 1, "2", 2),
        (CPU, 1, "2.5", 2.5),
        (CPU, 1.5, "2.5", 2.5),
        (CPU, 1, "nan", "nan"),
        (CPU, 1.5, "2", 2),
        (CPU, 1, "500m", "500m"),
        (CPU, 1, "02", "02"),
        (CPU, 1, "1e3", "1e3"),
        (CPU, 1.5, "2.50", "2.50"),
        (CPU, "1", 2, "2"),
        (CPU, "500m", 2, "2"),
        (CPU, "1", 2.5, "2.5"),
        (CPU, "1", None, None),
        (PORT, 80, "http", "http"),
        (PORT, 80, "81", "81"),
        (PORT, "http", 80, 80),
        (ARG, "2", 3, "3"),
        (ARG, "x", True, "true"),
        (ARG, 2, "3", "3"),
        (("x",), "true", False, "false"),
        (("x",), "True", False, "false"),
        (("x",), "yes", False, False),
        (("x",), "2", 3, "3"),
        (("x",), "a", 3, 3),
        (("x",), True, "false", "false"),
        (("x",), True, 3, 3),
        (("x",), None, "a", "a"),
    ],
)
def test_a_new_value_gets_the_kind_of_the_old_one_where_that_says_the_same(
    path: tuple[Any, ...], now: Any, new: Any, written: Any
) -> None:
    assert same(equivalence.fit(path, now, new), written)


@pytest.mark.parametrize(
    ("word", "first", "second"),
    [
        ("yes", True, "yes"),
        ("on", True, "on"),
        ("y", "y", "y"),
        ("0o17", "0o17", 15),
        ("017", 15, 17),
        ("0x1F", 31, 31),
        ("1_000", 1000, "1_000"),
        ("12:30:00", 45000, "12:30:00"),
        ("1e3", "1e3", 1000.0),
        ("1.5", 1.5, 1.5),
        ("~", None, None),
        ("", None, None),
        ("NULL", None, None),
        ("TRUE", True, True),
        ("2026-01-01", "2026-01-01", "2026-01-01"),
        ("'1'", "1", "1"),
        ("!!str 1", "1", "1"),
        (".5", 0.5, 0.5),
        ("-.inf", -math.inf, -math.inf),
        (".Inf", math.inf, math.inf),
        ("+12", 12, 12),
    ],
)
def test_a_word_is_read_as_each_version_of_yaml_reads_it(
    word: str, first: Any, second: Any
) -> None:
    root = yaml.compose(f"a: {word}\n", Loader=yaml.CSafeLoader)
    assert root is not None
    (_, node) = root.value[0]
    assert same(value_11(node), first)
    assert same(value_12(node), second)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (12, "12"),
        (1.5, "1.5"),
        (1e30, "1.0e+30"),
        (1.5e-7, "1.5e-07"),
        (math.nan, ".nan"),
        (math.inf, ".inf"),
        (-math.inf, "-.inf"),
    ],
)
def test_a_value_that_is_no_text_is_written_the_same_for_both_versions(
    value: Any, word: str
) -> None:
    assert plain_text(value) == word
    assert read_11(word) == read_12(word) != "str"


@pytest.mark.parametrize(
    ("low", "high", "value"),
    [("Gt", 4, 5), ("Lt", 5, 4)],
)
def test_a_comparison_is_strict(low: str, high: int, value: int) -> None:
    entry = {"key": "cores", "operator": low, "values": [str(high)]}
    assert selectors.requirement({"cores": str(value)}, entry)
    assert not selectors.requirement({"cores": str(high)}, entry)
    assert not selectors.requirement({"cores": str(2 * high - value)}, entry)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([FieldChange(op="remove", path="a.l[0]", before=1)], "STALE"),
        ([FieldChange(op="add", path="a.b", after={"c": 2})], "STALE"),
        ([FieldChange(path="a.b.c", before=2, after=3)], "STALE"),
        ([FieldChange(path="a.l", before=["y"], after=["z"])], "STALE"),
        ([FieldChange(path="none.x[name=a].y", before=1, after=2)], "NOT_FOUND"),
        (
            [
                FieldChange(op="add", path="a.n", after={"x": 1}),
                FieldChange(op="remove", path="a.n.x", before=1),
            ],
            "UNSUPPORTED",
        ),
        (
            [
                FieldChange(op="remove", path="a.l[0]", before={"name": "x", "v": 1}),
                FieldChange(path="a.l[1]", before="y", after="z"),
            ],
            "UNSUPPORTED",
        ),
        (
            [
                FieldChange(op="add", path="a.n.x", after=1),
                FieldChange(op="add", path="a.n.x", after=2),
            ],
            "UNSUPPORTED",
        ),
    ],
)
def test_a_change_that_the_text_does_not_bear_is_refused(
    fields: list[FieldChange], code: str
) -> None:
    assert code_of(DEEP, *fields) == code


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        (("add", "l[0]"), ("replace", "l[1]"), False),
        (("remove", "l[0]"), ("replace", "l[1]"), False),
        (("remove", "l[name=x]"), ("replace", "l[1]"), False),
        (("replace", "l[1]"), ("remove", "l[name=x]"), False),
        (("add", "l[name=z]"), ("replace", "l[1]"), True),
        (("remove", "l[name=x]"), ("add", "l[name=z]"), True),
        (("replace", "l[1]"), ("replace", "m[0]"), True),
        (("remove", "m[0]"), ("replace", "l[1]"), True),
        (("add", "n"), ("remove", "n"), False),
        (("remove", "m"), ("add", "n"), True),
    ],
)
def test_changes_that_move_what_another_counts_are_not_made_at_once(
    first: tuple[Any, str], second: tuple[Any, str], apart: bool
) -> None:
    text = "l:\n- {name: x}\n- y\nm:\n- 1\n- 2\n"
    now = yaml.safe_load(text)
    fields = [
        FieldChange(
            op=op,
            path=path,
            before=paths.find(now, path),
            after=None if op == "remove" else {"v": 1} if "name" in path else "new",
        )
        for op, path in (first, second)
    ]
    if apart:
        assert yaml.safe_load(planned(text, *fields)) != now
    else:
        assert code_of(text, *fields) == "UNSUPPORTED"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("gone", ["ade", "de", "ae", "abde", "e", "a", "abcd"])
def test_lines_that_go_together_leave_the_end_of_the_file_as_it_is(gone: str, end: str) -> None:
    newline = end or "\n"
    text = newline.join(f"{key}: {at}" for at, key in enumerate("abcde")) + end
    edits = [Delete(0, (key,), "abcde".index(key)) for key in gone]
    done = amend(text, edits)
    left = [f"{key}: {at}" for at, key in enumerate("abcde") if key not in gone]
    assert done.text == newline.join(left) + end


def test_changes_of_one_missing_parent_make_it_once() -> None:
    done = planned(
        DEEP,
        FieldChange(op="add", path="a.n.x", after=1),
        FieldChange(op="add", path="a.n.y[name=k].v", after=2),
        FieldChange(op="add", path="a.n.y[name=k].w", after=3),
        FieldChange(op="add", path="a.n.y[name=m].v", after=4),
        FieldChange(op="add", path="empty.z", after=5),
        FieldChange(op="add", path="empty.u", after=6),
    )
    found = yaml.safe_load(done)
    assert found["a"]["n"] == {
        "x": 1,
        "y": [{"name": "k", "v": 2, "w": 3}, {"name": "m", "v": 4}],
    }
    assert found["empty"] == {"z": 5, "u": 6}
    assert DEEP.splitlines()[:6] == done.splitlines()[:6]


@pytest.mark.parametrize(
    ("field", "after"),
    [
        (
            FieldChange(path="a.b.c", before=1, after=2),
            {"a": {"b": {"c": 2}, "l": [{"name": "x"}, "y"]}},
        ),
        (FieldChange(op="remove", path="a.b", before={}), {"a": {"l": [{"name": "x"}, "y"]}}),
        (
            FieldChange(op="remove", path="a.none", before=1),
            {"a": {"b": {"c": 1}, "l": [{"name": "x"}, "y"]}},
        ),
        (FieldChange(op="remove", path="a.l[0]", before=1), {"a": {"b": {"c": 1}, "l": ["y"]}}),
        (
            FieldChange(op="remove", path="a.l[1]", before=1),
            {"a": {"b": {"c": 1}, "l": [{"name": "x"}]}},
        ),
        (
            FieldChange(op="remove", path="a.l[2]", before=1),
            {"a": {"b": {"c": 1}, "l": [{"name": "x"}, "y"]}},
        ),
        (
            FieldChange(op="add", path="a.l[1]", after=9),
            {"a": {"b": {"c": 1}, "l": [{"name": "x"}, 9, "y"]}},
        ),
        (
            FieldChange(op="add", path="a.l[2]", after=9),
            {"a": {"b": {"c": 1}, "l": [{"name": "x"}, "y", 9]}},
        ),
        (
            FieldChange(op="add", path="a.l[name=z]", after={"v": 1}),
            {"a": {"b": {"c": 1}, "l": [{"name": "x"}, "y", {"name": "z", "v": 1}]}},
        ),
        (
            FieldChange(op="add", path="a.l[name=x].v", after=1),
            {"a": {"b": {"c": 1}, "l": [{"name": "x", "v": 1}, "y"]}},
        ),
        (
            FieldChange(op="add", path="a.m[name=x].v", after=1),
            {"a": {"b": {"c": 1}, "l": [{"name": "x"}, "y"], "m": [{"name": "x", "v": 1}]}},
        ),
        (
            FieldChange(op="add", path="a.m.n", after=1),
            {"a": {"b": {"c": 1}, "l": [{"name": "x"}, "y"], "m": {"n": 1}}},
        ),
    ],
)
def test_what_a_rendering_is_expected_to_be_is_the_first_one_with_the_field_changed(
    field: FieldChange, after: Any
) -> None:
    before = {"a": {"b": {"c": 1}, "l": [{"name": "x"}, "y"]}}
    assert rendering.expected(before, [field]) == after
    assert before == {"a": {"b": {"c": 1}, "l": [{"name": "x"}, "y"]}}


def test_digests_in_annotations_follow_from_other_objects() -> None:
    now = {"checksum/config": "0123abcd", "a": "b"}
    before = {"kind": "X", "metadata": {"annotations": now}}
    for value, key, derived in (
        ("deadbeef", "checksum/config", True),
        ("deadbee", "checksum/config", False),
        ("DEADBEEF", "checksum/config", False),
        ("c", "a", False),
    ):
        after = {"kind": "X", "metadata": {"annotations": now | {key: value}}}
        seen = rendering.RenderedDifference(("X", "", ""), before, after)
        assert rendering.is_derived(seen) is derived
    assert not rendering.is_derived(rendering.RenderedDifference(("X", "", ""), None, before))
    assert not rendering.is_derived(rendering.RenderedDifference(("X", "", ""), before, None))
    odd = {
        "metadata": {"annotations": ["0123abcd"]},
        "l": [{"annotations": {"sha256sum": "0123abcd"}}],
    }
    assert rendering.steady(odd) == {
        "metadata": {"annotations": ["0123abcd"]},
        "l": [{"annotations": {}}],
    }


@pytest.mark.parametrize(
    ("path", "size", "kept"),
    [
        ("a/values.txt", 256 * 1024, True),
        ("a/values.txt", 256 * 1024 + 1, False),
        ("a/x.tgz", 1, False),
        ("charts/x.tgz", 4 * 1024 * 1024, True),
        ("a/charts/x.tgz", 4 * 1024 * 1024, True),
        ("a/charts/x.tgz", 4 * 1024 * 1024 + 1, False),
        ("a/mycharts/x.tgz", 1, False),
        ("Makefile", 10, True),
        ("a/main.tf", 10, True),
        ("a/b.png", 10, False),
    ],
)
def test_companions_of_manifests_are_texts_and_packed_charts_of_a_bounded_size(
    path: str, size: int, kept: bool
) -> None:
    assert tree.is_companion(path, size) is kept


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("a/b.yaml", True),
        ("a" * 1_000, True),
        ("a" * 1_001, False),
        ("", False),
        ("/a", False),
        ("a\\b", False),
        ("a/../b", False),
        ("a/./b", False),
        ("a//b", False),
        ("a/.git/b", False),
        ("a/.GIT. /b", False),
        ("a/git~1", False),
        ("a/.git:x", False),
        ("a/.g\u200cit", False),
        ("a/.gitignore", True),
        ("a/.github/x", True),
        ("a\x1fb", False),
        ("a\x7fb", False),
        ("a b", True),
    ],
)
def test_a_path_of_a_repository_is_one_that_means_the_same_everywhere(
    path: str, safe: bool
) -> None:
    if safe:
        tree.check_path(path)
        return
    with pytest.raises(NotEditable):
        tree.check_path(path)


LINKS = {
    "a/link": "../b",
    "c": "a/link/d",
    "loop": "loop2",
    "loop2": "loop",
    "out": "../../x",
    "root": "/etc",
    "self": ".",
    "in/up": "..",
    "x/file.yaml": "../b/d/e.yaml",
}


@pytest.mark.parametrize(
    ("path", "links"),
    [
        ("b", ["a/link"]),
        ("b/d", ["a/link", "c"][::-1]),
        ("b/d/e.yaml", ["x/file.yaml", "c", "a/link"]),
        ("b/other", ["a/link"]),
        ("bb", []),
        ("etc", []),
        ("x", []),
    ],
)
def test_the_links_that_lead_to_a_file_or_to_a_folder_above_it_are_known(
    path: str, links: list[str]
) -> None:
    assert tree.leading_to(tree.ends_of(LINKS), path) == links


@pytest.mark.parametrize(
    ("others", "alone"),
    [
        (["a/c.yaml", "a/b.yaml"], True),
        (["A/c.yaml"], False),
        (["a/B.yaml"], False),
        (["a/B.yaml.bak"], True),
        (["ab/B.yaml"], True),
        (["x/A/b.yaml"], True),
        ([], True),
    ],
)
def test_a_path_that_another_one_differs_from_only_in_case_is_not_written(
    others: list[str], alone: bool
) -> None:
    if alone:
        tree.Spellings(others).check_alone("a/b.yaml")
        return
    with pytest.raises(NotEditable):
        tree.Spellings(others).check_alone("a/b.yaml")


@pytest.mark.parametrize("mode", ["100644", "100755", "100664"])
def test_plain_files_may_be_written(mode: str) -> None:
    tree.check_mode("a", mode)


@pytest.mark.parametrize("mode", ["120000", "160000", "040000", ""])
def test_what_is_no_plain_file_is_not_written(mode: str) -> None:
    with pytest.raises(NotEditable):
        tree.check_mode("a", mode)


@pytest.mark.parametrize(
    ("field", "back"),
    [
        (FieldChange(op="add", path="l[name=z]", after={"v": 1}), ("remove", "l[2]")),
        (FieldChange(op="add", path="l[0]", after=9), ("remove", "l[0]")),
        (FieldChange(op="add", path="l[1]", after=9), ("remove", "l[1]")),
        (FieldChange(op="add", path="l[2]", after=9), ("remove", "l[2]")),
        (FieldChange(op="remove", path="l[name=x]", before={"name": "x"}), ("add", "l[0]")),
        (FieldChange(op="remove", path="l[1]", before="y"), ("add", "l[1]")),
        (FieldChange(op="remove", path="d.e.l[name=z]", before={"name": "z"}), ("add", "d.e.l[1]")),
        (FieldChange(op="add", path="d.e.l[name=q]", after={}), ("remove", "d.e.l[2]")),
        (FieldChange(path="a", before=1, after=2), ("replace", "a")),
        (FieldChange(op="add", path="m.n.o", after=1), ("remove", "m")),
        (FieldChange(op="add", path="b.n", after=1), ("remove", "b.n")),
    ],
)
def test_the_way_back_of_a_change_undoes_it_where_it_was_made(
    field: FieldChange, back: tuple[str, str]
) -> None:
    now = {"a": 1, "b": {"c": 1}, "l": [{"name": "x"}, "y"], "d": {"e": {"l": [1, {"name": "z"}]}}}
    change = KubernetesChange(object=REF, fields=(field,))
    (undone,) = changes.invert(change, now).fields
    assert (undone.op, undone.path) == back
    assert changes.apply([undone], changes.apply([field], now)) == now


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize(
    ("edits", "added", "removed"),
    [
        ([Insert(0, (), "z", 9)], 1, 0),
        ([Delete(0, ("a",), 0)], 0, 1),
        ([Delete(0, ("c",), 2)], 0, 1),
        ([Delete(0, ("b",), 1), Delete(0, ("c",), 2)], 0, 2),
        ([Insert(0, (), "y", 8), Insert(0, (), "z", 9)], 2, 0),
    ],
)
def test_lines_are_counted_as_git_counts_them_at_the_end_of_a_file(
    edits: list[Any], added: int, removed: int, end: str
) -> None:
    text = "a: 0\nb: 1\nc: 2" + end
    done = amend(text, edits)
    # Without a line break at its end, the last line changes too where another one follows it or it goes.
    touched = 0 if end or edits[0] == Delete(0, ("a",), 0) else 1
    assert (done.added, done.removed) == (added + touched, removed + touched)
    lines = difflib.ndiff(text.splitlines(keepends=True), done.text.splitlines(keepends=True))
    signs = [line[0] for line in lines]
    assert (signs.count("+"), signs.count("-")) == (done.added, done.removed)
