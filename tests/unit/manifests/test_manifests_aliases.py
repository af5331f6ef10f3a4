"""Anchors and aliases in any place: an edit changes what its path says, here and nowhere else, or is refused."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass, field
from typing import Any

import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from manifests import NotEditable, amend, patch
from manifests.objects import paths
from manifests.text.editor import Delete, Edit, Insert, Replace
from manifests.text.splices import apply_splices


def read(text: str) -> Any:
    """Through JSON, so that aliases are no longer one object."""
    return json.loads(json.dumps(yaml.load(text, Loader=yaml.CSafeLoader)))


NEW: list[Any] = ["w", 2, {"a": 1}, ["z"], None]


@dataclass(slots=True)
class Anchors:
    """Names given so far, and those of them that may be used by now."""

    given: int = 0
    free: list[str] = field(default_factory=list)

    def name(self) -> str:
        self.given += 1
        return f"n{self.given}"


def value(rnd: random.Random, depth: int, column: int, anchors: Anchors, *, flow: bool) -> str:
    """Text of a value behind its key or dash; what it anchors may be used by what follows."""
    if anchors.free and rnd.random() < 0.25:
        return " *" + rnd.choice(anchors.free)
    anchor = anchors.name() if rnd.random() < 0.3 else ""
    text = f" &{anchor}" if anchor else ""
    count, kind = rnd.randint(1, 3), rnd.random()
    if depth == 0 or kind < 0.5:
        text += " " + rnd.choice(["1", "x", '"q"', "a b", "null"])
    elif flow or kind < 0.65:
        inside = [value(rnd, depth - 1, column, anchors, flow=True) for _ in range(count)]
        entries = ", ".join(f"k{n}:{item}" for n, item in enumerate(inside))
        items = ", ".join(item.strip() for item in inside)
        text += f" {{{entries}}}" if kind < 0.6 else f" [{items}]"
    else:
        heads = [f"k{n}:" for n in range(count)] if kind < 0.85 else ["-"] * count
        for head in heads:
            inner = value(rnd, depth - 1, column + 2, anchors, flow=False)
            text += f"\n{' ' * column}  {head}{inner}"
    if anchor:
        anchors.free.append(anchor)
    return text


def places(node: Any, path: paths.Path = ()) -> list[tuple[paths.Path, Any]]:
    found: list[tuple[paths.Path, Any]] = [(path, node)]
    if isinstance(node, dict | list):
        for key, inside in node.items() if isinstance(node, dict) else enumerate(node):
            found += places(inside, (*path, key))
    return found


def edits_at(rnd: random.Random, path: paths.Path, node: Any, root: Any) -> list[Edit]:
    """Edits at one place, and ``root`` as they are to leave it."""
    new, at = rnd.choice(NEW), paths.get(root, path) if path else root
    if isinstance(node, dict) and rnd.random() < 0.5:
        gone = [key for key in node if rnd.random() < 0.5]
        for key in gone:
            del at[key]
        at["zz"] = new
        return [*(Delete(0, (*path, k), node[k]) for k in gone), Insert(0, path, "zz", new)]
    if isinstance(node, list) and rnd.random() < 0.5:
        place = rnd.randint(0, len(node))
        assume(place == len(node) or node[place] != new)
        at.insert(place, new)
        return [Insert(0, path, place, new)]
    assume(path)
    holder = paths.get(root, path[:-1]) if len(path) > 1 else root
    if rnd.random() < 0.5:
        del holder[path[-1]]
        return [Delete(0, path, node)]
    holder[path[-1]] = new
    return [Replace(0, path, node, new)]


@settings(max_examples=250, deadline=None)
@given(st.randoms(use_true_random=False))
def test_what_an_alias_says_elsewhere_stays(rnd: random.Random) -> None:
    anchors = Anchors()
    text = "".join(f"r{n}:{value(rnd, 3, 0, anchors, flow=False)}\n" for n in range(3))
    root = read(text)
    path, node = rnd.choice(places(root))
    expected = copy.deepcopy(root)
    edits = edits_at(rnd, path, node, expected)
    try:
        done = amend(text, edits)
    except NotEditable as refused:
        reason = refused
    else:
        assert read(done.text) == expected
        assert apply_splices(done.text, done.inverse) == text
        if not any(isinstance(segment, int) for segment in path):
            assert patch(done.text, edits) == done.text
        return
    assert reason.code in ("ALIASED", "ANCHOR_FANOUT", "UNSUPPORTED"), reason
