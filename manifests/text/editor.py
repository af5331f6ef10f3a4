"""The span editor: splices new text into a file so that every other byte stays as it is. Pure.

Order: set the byte order mark aside, read, resolve every edit to a span and check its precondition, splice from the
end to the start, read again, compare with the edits applied to the first reading, count the changed lines. A result
that is not exactly the intended change is refused, never returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kfix.texts import say
from manifests.refused import NotEditable
from manifests.text import guards, read, replace
from manifests.text.diffs import LineChange, line_changes
from manifests.text.edits import Delete, Edit, Insert, Replace, apply_to, copied
from manifests.text.read import Document, Tree
from manifests.text.readings import Readings
from manifests.text.siblings import Siblings
from manifests.text.splices import Piece, Splice, apply_splices, inverse_of, settle

__all__ = ["Delete", "Edit", "Insert", "Patched", "Replace", "amend", "patch"]


@dataclass(frozen=True, slots=True)
class Patched:
    """A verified result. ``inverse`` are the splices that give the first text back, byte for byte."""

    before: str
    text: str
    added: int
    removed: int
    changes: tuple[LineChange, ...]
    inverse: tuple[Splice, ...]


def patch(text: str, edits: Sequence[Edit]) -> str:
    """``text`` with the edits made. Making the same edits again changes nothing. Raises NotEditable."""
    return amend(text, edits).text


def amend(text: str, edits: Sequence[Edit], readings: Readings | None = None) -> Patched:
    """As ``patch``, with the counted lines and the inverse. ``readings``: what was parsed before. Raises NotEditable."""
    readings = readings or Readings()
    mark, body = read.without_bom(text)
    documents = readings.read(body)
    guards.check_file(body)
    guards.check_documents(body, documents)
    for number in sorted({edit.doc for edit in edits}):
        if not 0 <= number < len(documents):
            raise NotEditable(
                "NOT_FOUND",
                say("manifests.no_document_file_has", number=number, count=len(documents)),
            )
        guards.check_document(body, documents[number])
    splices, made = _splices(body, documents, edits)
    after = apply_splices(body, splices)
    _verify(documents, made, after, readings)
    # The mark stands on the first line, and a diff shows whole lines.
    splices = [splice.moved(len(mark)) for splice in splices]
    changes = line_changes(text, mark + after, splices)
    added, removed = sum(len(c.new) for c in changes), sum(len(c.old) for c in changes)
    _check_count(splices, added, removed, moved=bool(mark))
    undo = tuple(inverse_of(text, splices))
    return Patched(text, mark + after, added, removed, changes, undo)


def _splices(
    body: str, documents: list[Document], edits: Sequence[Edit]
) -> tuple[list[Splice], list[Edit]]:
    """The text of all edits, and those of them that are not made already."""
    pieces: list[Piece] = []
    made: list[Edit] = []
    siblings = Siblings(body)
    for edit in edits:
        document = documents[edit.doc]
        if isinstance(edit, Replace):
            replaced = replace.pieces(body, document, edit)
            pieces += replaced
            made += [edit] if replaced else []
        elif siblings.takes(document, edit):
            made.append(edit)
    return settle(body, [*pieces, *siblings.pieces()]), made


def _verify(documents: list[Document], edits: list[Edit], after: str, readings: Readings) -> None:
    """parse(after) == apply(edits, parse(before)), for all documents of the file."""
    wanted = [_edited(document, edits) for document in documents]
    try:
        again = readings.read(after)
    except NotEditable as error:
        raise NotEditable(
            "NOT_MINIMAL", say("manifests.result_does_not_read_back", why=error.reason)
        ) from None
    if [d.tree for d in again] != wanted:
        raise NotEditable("NOT_MINIMAL", say("manifests.result_would_mean_more_than"))


def _edited(document: Document, edits: list[Edit]) -> Tree:
    """The document's picture with the edits made; the document is others' too, and stays as it is."""
    own = [edit for edit in edits if edit.doc == document.index]
    if not own:
        return document.tree
    tree = copied(document.tree)
    apply_to(tree, own)
    return tree


def _check_count(splices: Sequence[Splice], added: int, removed: int, *, moved: bool) -> None:
    """``moved``: a byte order mark moves to the second line, and changes it, when the first one goes."""
    expected_added = sum(s.added for s in splices) + moved
    expected_removed = sum(s.removed for s in splices) + moved
    # Two edits on one line change one line: fewer than foretold is right, more never is.
    if added > expected_added or removed > expected_removed:
        raise NotEditable(
            "NOT_MINIMAL",
            say(
                "manifests.lines_where_were_foretold",
                added=added,
                removed=removed,
                expected_added=expected_added,
                expected_removed=expected_removed,
            ),
        )
