"""Where the product uses catalogue entries: read from its syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
PACKAGES = (
    "kfix", "schemas", "manifests", "ingest", "enrich", "decide", "safety", "publish", "learn", "console",
)  # fmt: skip


#: Areas whose words are asked for by a key in templates and tables (``word("why", language)``).
WORDED = ("publish", "console")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of ``say`` with an id that is written there; ``names`` is ``None`` where parameters are unpacked."""

    place: str
    text_id: str
    names: frozenset[str] | None


@dataclass(slots=True)
class Uses:
    """What the product says: whole calls, every literal string, and beginnings of ids that are put together."""

    calls: list[Call] = field(default_factory=list)
    literals: set[str] = field(default_factory=set)
    beginnings: set[str] = field(default_factory=set)

    def has(self, text_id: str) -> bool:
        """Is the entry used anywhere? Words of publish and console are named without their area."""
        area, _, name = text_id.partition(".")
        names = (text_id, name) if area in WORDED else (text_id,)
        return any(n in self.literals or n.startswith(tuple(self.beginnings)) for n in names)


@cache
def uses() -> Uses:
    """All of the product's."""
    found = Uses()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            read(path.read_text("utf-8"), str(path.relative_to(ROOT)), found)
    for path in sorted((ROOT / "console/templates").glob("*.html")):
        text = path.read_text("utf-8")
        found.literals |= set(re.findall(r"\bw\.(\w+)", text)) | set(re.findall(r'"(\w+)"', text))
        found.beginnings |= set(re.findall(r'w\["(\w+_)" ~', text))
    for path in sorted((ROOT / "publish/templates").glob("*.j2")):
        text = path.read_text("utf-8")
        found.literals |= set(re.findall(r'"(\w+)"', text))
        found.beginnings |= set(re.findall(r'word\("(\w+_)" ~', text))
    return found


def read(source: str, place: str, found: Uses) -> None:
    """Adds the uses of one file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.literals.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            found.beginnings |= set(_beginning(node))
        elif isinstance(node, ast.Call) and _name(node) == "say" and node.args:
            found.calls += _calls(node, f"{place}:{node.lineno}")


def _name(node: ast.Call) -> str:
    called = node.func
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _beginning(node: ast.JoinedStr) -> Iterator[str]:
    """The start of an id that is put together; ``publish.`` alone would be the start of all of them."""
    first = node.values[0] if node.values else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        found = first.value
        if re.fullmatch(r"[a-z_]+(\.[a-z_]+)*[._]", found) and found.rstrip(".") not in WORDED:
            yield found


def _calls(node: ast.Call, place: str) -> Iterator[Call]:
    keywords = [keyword.arg for keyword in node.keywords]
    names = None if None in keywords else frozenset(str(name) for name in keywords)
    for chosen in _literals(node.args[0]):
        yield Call(place, chosen, names)


def _literals(node: ast.expr) -> Iterator[str]:
    """The ids of an argument: one, or both of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
