"""Literals of templates: a field that no value reaches, in a chart that one release installs. Pure but for renderings.

No template is understood. Each line that says the field's key with the field's value is tried with the new one; the line
is the place if the rendering then differs in that field alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.repository import subcharts
from manifests.repository.index import RepositoryIndex
from manifests.text import guards, scalars
from manifests.text.scalars import is_scalar
from schemas.base import Json

_SUFFIXES = (".yaml", ".yml", ".tpl")


@dataclass(frozen=True, slots=True)
class TemplateEdit:
    """A template with another literal. ``line`` counts from 1."""

    path: str
    line: int
    text: str


def candidates(
    index: RepositoryIndex, chart: str, target: paths.Path, now: Json, after: Json
) -> Iterator[TemplateEdit]:
    """Each line of the chart's templates, and of those that it brings along unpacked, that says the field's key with its
    value, with the new value instead."""
    key = target[-1]
    if not isinstance(key, str) or not is_scalar(now) or not is_scalar(after) or now is None:
        return
    said = re.escape(scalars.plain_text(now))
    literal = re.compile(
        rf"""(?<![\w.$-])(?P<key>["']?{re.escape(key)}["']?:[ \t]+)(?P<quote>["']?){said}(?P=quote)(?=[ \t]*(?:[,}}\]#\r\n]|$))"""
    )
    folders = dict.fromkeys(folder for _, folder in subcharts.tree_of(index, chart))
    for path in _templates(index, folders):
        content = index.files[path]
        if not path.endswith(_SUFFIXES):
            continue
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        if not _may_be_edited(text):
            continue
        for found in literal.finditer(text):
            new = _written(after, found["quote"])
            after_text = text[: found.start()] + found["key"] + new + text[found.end() :]
            yield TemplateEdit(path, text.count("\n", 0, found.start()) + 1, after_text)


def _templates(index: RepositoryIndex, folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        yield from index.below(posixpath.join(folder, "templates"))


def _written(value: Json, quote: str) -> str:
    assert is_scalar(value)
    return scalars.write(value, style=quote or None, flow=True)


def _may_be_edited(text: str) -> bool:
    """Is the template nobody else's, as its comments say?"""
    try:
        guards.check_file(text)
    except NotEditable as refused:
        return refused.code == "TEMPLATED"
    return True


def fixed_by(places: list[TemplateEdit], releases: int) -> str:
    """Where templates fix the field, as a refusal says it; empty where that is not known."""
    if not places:
        return ""
    first = places[0]
    return say("manifests.literal_of_template", file=first.path, line=first.line, count=releases)
