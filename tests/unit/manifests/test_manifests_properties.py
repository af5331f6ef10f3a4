"""Properties of the editor and of typed changes over generated documents and edits."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from manifests import NotEditable, amend, patch
from manifests.objects import changes, paths
from manifests.text import plan_edits, read
from manifests.text.diffs import split
from manifests.text.editor import Delete, Edit, Insert, Patched, Replace
from manifests.text.scalars import read_11, read_12, write
from manifests.text.splices import apply_splices
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

WORDS = st.sampled_from(
    ["app", "cpu", "on", "1", "0o17", "1_000", "12:30", "x y", "é", "yes", "", "~", "- a", "#"]
)
TEXTS = st.one_of(WORDS, st.text(max_size=12))
SCALARS = st.one_of(
    TEXTS, st.integers(-1000, 10**9), st.booleans(), st.none(), st.floats(-1e6, 1e6)
)
KEYS = st.text("abcdefgh", min_size=1, max_size=5)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.dictionaries(KEYS, inner, min_size=1, max_size=4),
        st.lists(inner, min_size=1, max_size=4),
    ),
    max_leaves=12,
)
ROOTS = st.dictionaries(KEYS, TREES, min_size=1, max_size=5)
STYLES = st.fixed_dictionaries(
    {
        "default_flow_style": st.sampled_from([False, False, None]),
        "indent": st.sampled_from([2, 4]),
        "explicit_start": st.booleans(),
        "line_break": st.sampled_from(["\n", "\r\n"]),
        "default_style": st.sampled_from([None, None, "'", '"']),
    }
)


def leaves(node: Any, path: paths.Path = ()) -> list[tuple[paths.Path, Any]]:
    if isinstance(node, dict):
        return [leaf for key, value in node.items() for leaf in leaves(value, (*path, key))]
    if isinstance(node, list):
        return [leaf for at, value in enumerate(node) for leaf in leaves(value, (*path, at))]
    return [(path, node)]


def put(root: Any, path: paths.Path, value: Any) -> Any:
    root = copy.deepcopy(root)
    holder = paths.get(root, path[:-1]) if len(path) > 1 else root
    holder[path[-1]] = value
    return root


def attempt(text: str, *edits: Edit) -> Patched | str:
    """The result, or the code of the refusal."""
    try:
        return amend(text, edits)
    except NotEditable as refused:
        return refused.code


def dumped(roots: list[Any], style: dict[str, Any]) -> str:
    return yaml.safe_dump_all(roots, allow_unicode=True, sort_keys=False, width=10_000, **style)


def file_of(roots: list[Any], style: dict[str, Any]) -> tuple[str, list[Any]]:
    """A file of these documents, and what it says: the dumper does not keep every character (a lone U+0085)."""
    text = dumped(roots, style)
    return text, list(yaml.safe_load_all(text))


@settings(max_examples=120, deadline=None)
@given(st.lists(ROOTS, min_size=1, max_size=3), STYLES, st.data(), SCALARS)
def test_a_replaced_scalar_is_all_that_changes(
    roots: list[Any], style: dict[str, Any], data: st.DataObject, new: Any
) -> None:
    text, roots = file_of(roots, style)
    doc = data.draw(st.integers(0, len(roots) - 1))
    path, old = data.draw(st.sampled_from(leaves(roots[doc])))
    edit = Replace(doc, path, old, new)
    done = attempt(text, edit)
    if isinstance(done, str):
        assert done in ("BLOCK_SCALAR", "UNSUPPORTED")
        return
    expected = [*roots[:doc], put(roots[doc], path, new), *roots[doc + 1 :]]
    assert list(yaml.safe_load_all(done.text)) == expected
    assert (done.added, done.removed) in ((1, 1), (0, 0))
    before, after = split(text), split(done.text)
    assert sum(left != right for left, right in zip(before, after, strict=True)) == done.added
    assert patch(done.text, [edit]) == done.text
    assert apply_splices(done.text, done.inverse) == text


@settings(max_examples=120, deadline=None)
@given(st.lists(ROOTS, min_size=1, max_size=3), STYLES, st.data(), TREES)
def test_an_inserted_entry_leaves_every_other_line_alone(
    roots: list[Any], style: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    text, roots = file_of(roots, style)
    doc = data.draw(st.integers(0, len(roots) - 1))
    edit = Insert(doc, (), "newkey", value)
    done = attempt(text, edit)
    if isinstance(done, str):
        assert done == "UNSUPPORTED"
        return
    expected = [*roots[:doc], put(roots[doc], ("newkey",), value), *roots[doc + 1 :]]
    assert list(yaml.safe_load_all(done.text)) == expected
    if done.removed == 0:
        left = iter(split(done.text))
        assert all(line in left for line in split(text))
    assert patch(done.text, [edit]) == done.text
    assert apply_splices(done.text, done.inverse) == text


def holders(node: Any, path: paths.Path = ()) -> list[tuple[paths.Path, Any]]:
    """Every mapping and list of a document."""
    if not isinstance(node, dict | list):
        return []
    entries = node.items() if isinstance(node, dict) else enumerate(node)
    below = [found for key, value in entries for found in holders(value, (*path, key))]
    return [(path, node), *below]


def commented(text: str, where: list[bool]) -> str:
    """The text with comments above and beside some lines, wherever that leaves its meaning alone."""
    out = []
    for line, here in zip(split(text), where, strict=False):
        body = line.rstrip("\r\n")
        indent = body[: len(body) - len(body.lstrip(" -"))].replace("-", " ")
        ending = line[len(body) :]
        out.append(f"{indent}# above{ending}{body}  # beside{ending}" if here else line)
    changed = "".join([*out, *split(text)[len(where) :]])
    try:
        same = list(yaml.safe_load_all(changed)) == list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        same = False
    return changed if same else text


@settings(max_examples=200, deadline=None)
@given(st.lists(ROOTS, min_size=1, max_size=2), STYLES, st.data(), st.lists(TREES, max_size=2))
def test_siblings_come_and_go_and_nothing_else_changes(
    roots: list[Any], style: dict[str, Any], data: st.DataObject, values: list[Any]
) -> None:
    text, roots = file_of(roots, style)
    text = commented(text, data.draw(st.lists(st.booleans(), max_size=8)))
    doc = data.draw(st.integers(0, len(roots) - 1))
    path, holder = data.draw(st.sampled_from(holders(roots[doc])))
    slots = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    gone = data.draw(st.lists(st.sampled_from(slots), unique=True))
    edits: list[Edit] = [Delete(doc, (*path, slot), holder[slot]) for slot in gone]
    expected = copy.deepcopy(roots)
    changed = paths.get(expected[doc], path) if path else expected[doc]
    at = data.draw(st.sampled_from([*slots, len(slots)])) if isinstance(holder, list) else 0
    for nth, value in enumerate(values):
        edits.append(Insert(doc, path, at if isinstance(holder, list) else f"new{nth}", value))
        if isinstance(holder, dict):
            changed[f"new{nth}"] = value
    for slot in sorted(gone, reverse=True):
        del changed[slot]
    if isinstance(holder, list):
        place = at - sum(slot < at for slot in gone)
        changed[place:place] = values
        assume(at >= len(holder) or holder[at] not in values)
    done = attempt(text, *edits)
    if isinstance(done, str):
        assert done in ("UNSUPPORTED", "BLOCK_SCALAR")
        return
    assert list(yaml.safe_load_all(done.text)) == expected
    assert apply_splices(done.text, done.inverse) == text
    assert text.endswith("\n") == done.text.endswith("\n")
    if isinstance(holder, dict):
        assert patch(done.text, edits) == done.text


@settings(max_examples=100, deadline=None)
@given(ROOTS, STYLES, st.data(), TREES)
def test_a_value_of_any_shape_takes_the_place_of_any_other(
    root: Any, style: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    text, (root,) = file_of([root], style)
    text = commented(text, data.draw(st.lists(st.booleans(), max_size=8)))
    path, old = data.draw(st.sampled_from([*holders(root)[1:], *leaves(root)]))
    edit = Replace(0, path, old, value)
    done = attempt(text, edit)
    if isinstance(done, str):
        assert done in ("UNSUPPORTED", "BLOCK_SCALAR")
        return
    assert yaml.safe_load(done.text) == put(root, path, value)
    assert apply_splices(done.text, done.inverse) == text
    assert patch(done.text, [edit]) == done.text


LINES = st.text("ab #:-{}'", max_size=6).map(str.rstrip)


@given(st.lists(LINES, min_size=1, max_size=6), st.lists(LINES, min_size=1, max_size=6))
def test_lines_of_a_literal_change_alone(before: list[str], after: list[str]) -> None:
    old, new = "\n".join(before).strip("\n"), "\n".join(after).strip("\n")
    assume(old.strip() and new.strip() and not old[0].isspace())
    body = "".join(f"    {line}\n" if line else "\n" for line in old.split("\n"))
    text = f"a: 1\ndata:\n  f: |\n{body}\n# end\nb: 2\n"
    done = attempt(text, Replace(0, ("data", "f"), old + "\n", new + "\n"))
    if isinstance(done, str):
        assert (done, new[0].isspace()) == ("BLOCK_SCALAR", True) or "{{" in old + new
        return
    assert yaml.safe_load(done.text) == {"a": 1, "data": {"f": new + "\n"}, "b": 2}
    assert apply_splices(done.text, done.inverse) == text


WORDS_OF_YAML = st.lists(
    st.sampled_from(
        [
            "- ",
            "? ",
            ": ",
            "a: ",
            "\n",
            "  ",
            "\t",
            "[",
            "{",
            "&a ",
            "*a",
            "!!map ",
            "\u2028",
            "\x85",
            "|\n",
            "x",
        ]
    ),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(WORDS_OF_YAML, st.sampled_from([0, 40, 49, 60]))
def test_a_file_taken_for_shallow_is_shallow(words: list[str], columns: int) -> None:
    body = " " * columns + "".join(words)
    if read.is_shallow(body):
        with contextlib.suppress(yaml.YAMLError):
            read.scan(body)


@given(TEXTS)
def test_text_is_written_so_that_both_versions_read_text(text: str) -> None:
    assume(not any(0xD800 <= ord(c) < 0xE000 or c in "\ufffe\uffff" for c in text))
    word = write(text)
    assert yaml.safe_load(f"a: {word}") == {"a": text}
    if not word.startswith('"'):
        assert (read_11(word), read_12(word)) == ("str", "str")


CHANGED = st.dictionaries(KEYS, TREES, min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(CHANGED, st.data(), SCALARS)
def test_apply_and_invert_are_inverse(obj: Any, data: st.DataObject, value: Any) -> None:
    path, old = data.draw(st.sampled_from(leaves(obj)))
    deep = data.draw(st.lists(KEYS.map(lambda k: "new" + k), min_size=1, max_size=3))
    fields = (
        FieldChange(path=paths.render(path), before=old, after=value),
        FieldChange(op="add", path=paths.render(tuple(deep)), after=value),
    )
    change = KubernetesChange(object=ObjectRef(kind="X", name="x"), fields=fields)
    inverse = changes.invert(change, obj)
    assert changes.apply(inverse.fields, changes.apply(change.fields, obj)) == obj


@given(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1), st.data())
def test_removed_and_added_items_go_back_where_they_stood(
    names: list[str], data: st.DataObject
) -> None:
    obj = {"l": [{"name": name} for name in names]}
    gone = data.draw(st.sampled_from(names))
    fields = (
        FieldChange(op="remove", path=f"l[name={gone}]", before={"name": gone}),
        FieldChange(op="add", path="l[name=z]", after={"name": "z"}),
    )
    change = KubernetesChange(object=ObjectRef(kind="X", name="x"), fields=fields)
    inverse = changes.invert(change, obj)
    assert changes.apply(inverse.fields, changes.apply(change.fields, obj)) == obj


@settings(max_examples=100, deadline=None)
@given(ROOTS, STYLES, st.data(), TEXTS)
def test_a_planned_change_and_its_inverse_give_the_file_back(
    root: Any, style: dict[str, Any], data: st.DataObject, new: str
) -> None:
    style = {**style, "default_style": None}
    text = dumped([root], style)
    found = [(p, v) for p, v in leaves(root) if isinstance(v, str)]
    assume(found)
    path, old = data.draw(st.sampled_from(found))
    change = KubernetesChange(
        object=ObjectRef(kind="X", name="x"),
        fields=(FieldChange(path=paths.render(path), before=old, after=new),),
    )
    try:
        once = patch(text, plan_edits.edits_of(change, read.read(text)[0]))
        back = plan_edits.edits_of(changes.invert(change), read.read(once)[0])
        again = patch(once, back)
    except NotEditable:
        assume(False)
    assert yaml.safe_load(again) == yaml.safe_load(text)
