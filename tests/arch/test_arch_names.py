"""A public class's name means one thing over the whole product, so that it can be said without its module."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = [
    "schemas",
    "manifests",
    "kfix",
    "ingest",
    "enrich",
    "decide",
    "safety",
    "publish",
    "learn",
    "console",
]


def public_classes(text: str) -> list[str]:
    """The names of a module's public classes."""
    body = ast.parse(text).body
    return [n.name for n in body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]


def namesakes(modules: dict[str, str]) -> dict[str, list[str]]:
    """Names that stand for several classes, with the modules that they are in."""
    found: dict[str, list[str]] = defaultdict(list)
    for module, text in modules.items():
        for name in public_classes(text):
            found[name].append(module)
    return {name: where for name, where in found.items() if len(where) > 1}


def test_a_public_class_has_a_name_of_its_own() -> None:
    modules = {
        str(path.relative_to(ROOT)): path.read_text("utf-8")
        for folder in PRODUCT
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    assert len(modules) > 400
    assert namesakes(modules) == {}


def test_a_namesake_is_found() -> None:
    modules = {
        "a.py": "class Ports: ...",
        "b.py": "class Ports: ...\nclass _Own: ...",
        "c.py": "class _Own: ...",
    }
    assert namesakes(modules) == {"Ports": ["a.py", "b.py"]}
