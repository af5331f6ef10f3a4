"""Every setting is read: a variable that people set and nothing reads is a promise that is not kept."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from kfix.cli.settings import load, models

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = ("kfix", "ingest", "enrich", "decide", "safety", "publish", "learn", "console")
Fields = Mapping[str, set[str]]


class Reading:
    """Which fields of which settings model the modules read: sources by path.

    Follows models by the names of what holds them: annotations, ``load(Kafka)``, ``Kafka()``, assignments. What holds a
    model is looked for in the module, then in its top package, then in all.
    """

    def __init__(self, sources: Mapping[str, str], fields: Fields) -> None:
        self._fields = fields
        self._nodes = {path: list(ast.walk(ast.parse(text))) for path, text in sources.items()}
        self._held: dict[tuple[str, str], set[str]] = defaultdict(set)
        known = -1
        while known != (known := sum(map(len, self._held.values()))):
            for path in self._nodes:
                self._follow(path)

    def unread(self) -> set[str]:
        """``Model.field`` of what is declared and read nowhere."""
        read: dict[str, set[str]] = defaultdict(set)
        for path, nodes in self._nodes.items():
            for node in nodes:
                if isinstance(node, ast.ClassDef) and node.name in self._fields:
                    read[node.name] |= {
                        n.attr
                        for n in ast.walk(node)
                        if isinstance(n, ast.Attribute) and _last(n.value) == "self"
                    }
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    for model in self._of(node.value, path):
                        read[model].add(node.attr)
        return {f"{m}.{f}" for m, names in self._fields.items() for f in names - read[m]}

    def _follow(self, path: str) -> None:
        for node in self._nodes[path]:
            for holder, found in self._bindings(node, path):
                if not found:
                    continue
                places = [path]
                if holder.startswith("."):  # an attribute is read in other modules too
                    places += [path.partition("/")[0], ""]
                for place in places:
                    self._held[place, holder] |= found

    def _bindings(self, node: ast.AST, path: str) -> Iterator[tuple[str, set[str]]]:
        if isinstance(node, ast.arg):
            yield node.arg, self._named(node.annotation)
        elif isinstance(node, ast.AnnAssign):  # a variable, or a field of a class
            found = self._named(node.annotation)
            yield from ((_last(node.target), found), (f".{_last(node.target)}", found))
        elif isinstance(node, ast.FunctionDef):
            yield f".{node.name}", self._named(node.returns)
        elif isinstance(node, ast.NamedExpr):
            yield _last(node.target), self._of(node.value, path)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                for one, value in _pairs(target, node.value):
                    yield _holder(one), self._of(value, path)

    def _named(self, annotation: ast.AST | None) -> set[str]:
        parts = ast.walk(annotation) if annotation is not None else ()
        return {name for part in parts if (name := _last(part)) in self._fields}

    def _of(self, node: ast.AST, path: str) -> set[str]:
        """The models that an expression's value may be."""
        if isinstance(node, ast.Call):
            name = _last(node.func)
            if name in self._fields:
                return {name}
            if name == "load":
                return {found for a in node.args if (found := _last(a)) in self._fields}
            return self._holding(f".{name}", path)
        if isinstance(node, ast.BoolOp):
            return {model for value in node.values for model in self._of(value, path)}
        if isinstance(node, ast.IfExp):
            return self._of(node.body, path) | self._of(node.orelse, path)
        return self._holding(_holder(node), path)

    def _holding(self, holder: str, path: str) -> set[str]:
        places = (path, path.partition("/")[0], "")
        return next((found for p in places if (found := self._held.get((p, holder)))), set())


def _holder(node: ast.AST) -> str:
    """How what holds a value is known: ``name``, or ``.name`` for an attribute of anything."""
    return f".{node.attr}" if isinstance(node, ast.Attribute) else _last(node)


def _last(node: ast.AST) -> str:
    """The identifier that an expression ends in: ``settings`` of ``self._ports.settings``."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _pairs(target: ast.expr, value: ast.expr) -> Iterable[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return zip(target.elts, value.elts, strict=False)
    return [(target, value)]


def test_every_setting_is_read() -> None:
    loaded = [load(name) for name in models()]
    fields = {model.__name__: set(model.model_fields) for model in loaded}
    sources = {
        str(path.relative_to(ROOT)): path.read_text()
        for name in PRODUCT
        for path in (ROOT / name).rglob("*.py")
    }
    assert Reading(sources, fields).unread() == set()


def test_every_settings_model_is_on_the_page() -> None:
    declared = {
        node.name
        for name in PRODUCT
        for path in (ROOT / name).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and {_last(b) for b in node.bases} & {"Settings", "BaseSettings"}
    }
    assert declared - {"Settings"} == {load(name).__name__ for name in models()}


def test_a_setting_that_only_another_models_namesake_reads_is_found() -> None:
    fields = {"Kafka": {"host", "wait_s"}, "Chat": {"host", "wait_s"}}
    kafka = (
        "class Consumer:\n"
        "    def __init__(self, settings: Kafka | None = None) -> None:\n"
        "        self._kafka = settings or load(Kafka)\n"
        "    def start(self):\n"
        "        return self._kafka.host, self._kafka.wait_s\n"
    )
    chat = "settings, other = load(Chat), 1\nprint(settings.host)\nsettings.wait_s = 2\n"
    assert Reading({"a/kafka.py": kafka, "a/chat.py": chat}, fields).unread() == {"Chat.wait_s"}
