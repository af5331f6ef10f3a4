"""Where the product uses catalogue entries: read from its syntax trees."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
PACKAGES = (
    "kfix", "schemas", "manifests", "ingest", "enrich", "decide", "safety", "publish", "learn", "console",
)  # fmt: skip


#: Areas whose words are asked for by a key in templates and tables (``word("why", language)``), in their own package;
#: keys may be words of records (a verdict, a severity).
WORDED = ("publish", "console")
KEYED_BY = ("schemas", "kfix")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of ``say`` with an id that is written there; ``names`` is ``None`` where parameters are unpacked."""

    place: str
    text_id: str
    names: frozenset[str] | None


@dataclass(slots=True)
class Uses:
    """What the product says: whole calls, every literal string by its package, and beginnings of ids that are put together."""

    calls: list[Call] = field(default_factory=list)
    literals: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    beginnings: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def has(self, text_id: str) -> bool:
        """Is the entry used anywhere? Words of publish and console are named without their area, by themselves."""
        area, _, name = text_id.partition(".")
        if area in WORDED and self._names(name, (area, *KEYED_BY)):
            return True
        return self._names(text_id, PACKAGES)

    def _names(self, key: str, packages: Sequence[str]) -> bool:
        return any(
            key in self.literals[one] or key.startswith(tuple(self.beginnings[one]))
            for one in packages
        )


@cache
def uses() -> Uses:
    """All of the product's."""
    found = Uses()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            read(path.read_text("utf-8"), str(path.relative_to(ROOT)), found)
    for path in sorted((ROOT / "console/templates").glob("*.html")):
        text = path.read_text("utf-8")
        found.literals["console"] |= set(re.findall(r"\bw\.(?!get\b)(\w+)", text))
        found.literals["console"] |= set(re.findall(r'"(\w+)"', text))
        found.beginnings["console"] |= set(re.findall(r'w(?:\[|\.get\()"(\w+_)" ~', text))
    for path in sorted((ROOT / "publish/templates").glob("*.j2")):
        text = path.read_text("utf-8")
        found.literals["publish"] |= set(re.findall(r'"(\w+)"', text))
        found.beginnings["publish"] |= set(re.findall(r'word\("(\w+_)" ~', text))
    return found


def read(source: str, place: str, found: Uses) -> None:
    """Adds the uses of one file; ``place`` is its path."""
    package = place.partition("/")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.literals[package].add(node.value)
        elif isinstance(node, ast.JoinedStr):
            found.beginnings[package] |= set(_beginning(node))
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
