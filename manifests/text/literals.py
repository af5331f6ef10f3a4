"""Other lines in a literal block scalar (``|``), where indentation and end stay what they are."""

from __future__ import annotations

import difflib
import re

from yaml import ScalarNode

from kfix.texts import say
from manifests.refused import NotEditable
from manifests.text import guards, scalars, spans
from manifests.text.splices import Lines, Piece

#: No digit (a fixed indentation) and no plus (which keeps the blank lines below).
_HEADER = re.compile(r"\|-?[ \t]*(?:#[^\n]*)?\r?\n")


def pieces(body: str, node: ScalarNode, new: scalars.Scalar) -> list[Piece]:
    """The changed lines alone. Raises NotEditable BLOCK_SCALAR where they would need another header, TEMPLATED, ENCRYPTED."""
    header = _HEADER.match(body, int(node.start_mark.index))
    old = str(node.value)
    if header is None or not isinstance(new, str) or not _fits(old, new):
        raise NotEditable("BLOCK_SCALAR", say("manifests.value_spans_several_lines_form"))
    end = spans.line_end(body, spans.end_of(body, node))
    raw = body[header.end() : end].split("\n")
    before, after = old.rstrip("\n").split("\n"), new.rstrip("\n").split("\n")
    indent = raw[0][: len(raw[0]) - len(raw[0].lstrip(" "))]
    if len(raw) != len(before) or not indent:
        raise NotEditable("BLOCK_SCALAR", say("manifests.value_spans_several_lines_form"))
    starts = [header.end()]
    for line in raw:
        starts.append(min(starts[-1] + len(line) + 1, len(body)))
    out: list[Piece] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            for line in before[i1:i2] + after[j1:j2]:
                guards.check_value(line)
            lines = tuple(indent + line if line else "" for line in after[j1:j2])
            out.append(Lines(starts[i1], starts[i2], lines))
    return out


def _fits(old: str, new: str) -> bool:
    """Does ``new`` end as ``old`` does, and is every line one that a literal holds without a new header?"""
    text, tail = new.rstrip("\n"), old[len(old.rstrip("\n")) :]
    if not text or not old.strip() or new != text + tail or text[0].isspace() or old[0].isspace():
        return False
    return all(
        (line == "" or bool(line.strip())) and not scalars.CONTROL.search(line.replace("\t", " "))
        for line in text.split("\n")
    )
