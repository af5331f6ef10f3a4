"""When the branch moved between proof and commit: is the change still the one that was proven?"""

from __future__ import annotations

from manifests import NotEditable
from manifests.text import read


def carries(before: str, after: str, text: str) -> bool:
    """Does ``text`` hold every document that the proof changed, in the state the proof gave it?

    Then what was checked about those objects holds for ``text`` too, whatever else moved in the file.
    """
    try:
        old, new = _documents(before), _documents(after)
        there = _documents(text)
    except NotEditable:
        return False
    changed = [tree for tree in new if tree not in old]
    return bool(changed) and all(tree in there for tree in changed)


def _documents(text: str) -> list[read.Tree]:
    return [document.tree for document in read.read(read.without_bom(text)[1])]
