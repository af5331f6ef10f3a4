"""One library reads Kubernetes objects: no module beside it has a reading of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from manifests import objects
from manifests.objects import kinds

ROOT = Path(__file__).resolve().parents[2]
#: What reads objects. ``sandbox`` and ``tools`` make them.
PACKAGES = (
    *("kfix", "schemas", "manifests", "ingest", "enrich", "decide"),
    *("safety", "publish", "learn", "console"),
)
LIBRARY = Path(objects.__file__).parent
#: Parts of objects that everybody needs: ``x.get("metadata") or {}`` is a reading of one's own, and fails on odd shapes.
PARTS = frozenset(
    {
        "metadata",
        "spec",
        "status",
        "template",
        "labels",
        "annotations",
        "selector",
        "scaleTargetRef",
    }
)
#: Fields whose meaning has rules (null, missing, order, time), which stand in the library.
RULED = frozenset(
    {
        "matchLabels",
        "matchExpressions",
        "nodeSelectorTerms",
        "tolerations",
        "ownerReferences",
        "jobTemplate",
        "containerStatuses",
        "initContainerStatuses",
        "creationTimestamp",
        "deletionTimestamp",
    }
)
#: Functions of the library that had copies.
NAMES = frozenset(
    {
        "plural_of",
        "name_of",
        "namespace_of",
        "labels_of",
        "annotations_of",
        "owners_of",
        "controller_of",
        "per_pod",
        "selects",
        "instant",
    }
)
#: A workload's, by the library's of its pod spec.
OTHERS = {("safety/core/workloads.py", "per_pod")}


def trouble_of(tree: ast.AST) -> Iterator[str]:
    """What in a module reads objects by itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            first, rest = node.values[0], node.values[1]
            if isinstance(rest, ast.Dict) and not rest.keys and key_of(first) in PARTS:
                yield f"line {node.lineno}: {key_of(first)!r} or nothing; shapes.mapping reads that"
        elif isinstance(node, ast.Call | ast.Subscript) and key_of(node) in RULED:
            yield f"line {node.lineno}: {key_of(node)!r} is read by a module of the library"
        elif isinstance(node, ast.Dict):
            pairs = sum(is_of_kinds(k, v) for k, v in zip(node.keys, node.values, strict=True))
            if pairs > 1:
                yield f"line {node.lineno}: a table of kinds; kinds.KINDS is that"
        elif isinstance(node, ast.FunctionDef) and node.name in NAMES:
            yield f"line {node.lineno}: {node.name} is a function of the library"


def key_of(node: ast.AST) -> str:
    """The key of ``x.get("key")`` and ``x["key"]``."""
    key: ast.AST | None = None
    if isinstance(node, ast.Subscript):
        key = node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        key = node.args[0] if node.func.attr == "get" else None
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""


def is_of_kinds(key: ast.AST | None, value: ast.AST) -> bool:
    """A kind with its plural or apiVersion, or the other way round."""
    if not isinstance(key, ast.Constant) or not isinstance(value, ast.Constant):
        return False
    pair = {str(key.value), str(value.value)}
    return any(pair in ({k.kind, k.plural}, {k.kind, k.api_version}) for k in kinds.KINDS)


def modules() -> list[Path]:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [path for path in found if LIBRARY not in path.parents]


def test_no_module_beside_the_library_reads_objects_by_itself() -> None:
    found = {
        str(path.relative_to(ROOT)): trouble
        for path in modules()
        if (trouble := list(trouble_of(ast.parse(path.read_text("utf-8")))))
    }
    for path, name in OTHERS:
        found[path] = [one for one in found.get(path, []) if f": {name} is a function" not in one]
    assert {path: trouble for path, trouble in found.items() if trouble} == {}


@pytest.mark.parametrize(
    "planted",
    [
        'labels = (pod.get("metadata") or {}).get("labels") or {}',
        'replicas = (item.get("spec") or {}).get("replicas", 1)',
        'equal = selector["matchLabels"]',
        'for owner in meta.get("ownerReferences"): pass',
        'PLURALS = {"Deployment": "deployments", "Ingress": "ingresses"}',
        'VERSIONS = {"Deployment": "apps/v1", "CronJob": "batch/v1"}',
        'KINDS = {"pods": "Pod", "services": "Service"}',
        "def plural_of(kind: str) -> str:\n    return kind.lower() + 's'",
        "def instant(text: str) -> datetime:\n    return datetime.fromisoformat(text)",
    ],
)
def test_a_copy_that_is_planted_is_found(planted: str) -> None:
    assert list(trouble_of(ast.parse(planted)))


@pytest.mark.parametrize(
    "innocent",
    [
        'made = {"metadata": {"name": name}, "spec": {"replicas": 2}}',
        'state = alert.get("status", "")',
        'words = {"Deployment": "un déploiement", "Pod": "un pod"}',
        'path = ("spec", "jobTemplate")',
    ],
)
def test_what_makes_objects_or_means_something_else_is_none(innocent: str) -> None:
    assert not list(trouble_of(ast.parse(innocent)))
