"""What a family's rules find in its scenes, before anything is ranked.

`python -m tests.support.decide.scenes.found` writes `tests/unit/decide/families/expected_*.yaml` anew.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from decide.core.families.parts import Parts
from decide.core.findings import Fact, Finding
from decide.core.view import ClusterView
from schemas.base import ObjectRef
from schemas.context import ContextBundle
from schemas.text import Text, text_of
from tests.support.decide.clusters import Cluster
from tests.support.decide.scenes import Arrange, families, scenes_of
from tests.support.decide.varied import variations
from tests.support.decide.whole import digest, line_of

HOME = Path(__file__).resolve().parents[3] / "unit" / "decide" / "families"


def expected_file(family: str) -> Path:
    """Where the family's findings are written down."""
    return HOME / f"expected_{family}.yaml"


def found_in_scene(family: str, sentence: str) -> dict[str, Any]:
    """The findings of one scene, and shortly what is found otherwise with one thing changed in it."""
    scene = scenes_of(family)[sentence]
    cluster, app = _ground()
    besides = _besides(scene.arrange, cluster, app)
    plain = _findings(family, _bundle(cluster, besides))
    found: dict[str, Any] = {"found": [_told(one) for one in plain]}
    alone = [line_of(one) for one in plain]
    changed = {}
    for told, lines in _varied(family, scene.arrange, sentence) if scene.varied else ():
        if lines != alone:
            changed[told] = lines or "nothing"
    if changed:
        found["with one thing changed"] = changed
    named: dict[str, Any] = json.loads(_named(json.dumps(found), cluster, app))
    return named


def _ground() -> tuple[Cluster, str]:
    cluster = Cluster(34)
    cluster.app("bystander")
    return cluster, cluster.app()


def _besides(arrange: Arrange, cluster: Cluster, app: str) -> dict[str, Any]:
    return dict(arrange(cluster, app) or {})


def _bundle(cluster: Cluster, besides: dict[str, Any]) -> ContextBundle:
    rest = copy.copy(besides)
    bundle = cluster.bundle(rest.pop("subject", ""))
    alert = bundle.alert.model_copy(update=rest.pop("alert", {}))
    return bundle.model_copy(update={**rest, "alert": alert})


def _findings(family: str, bundle: ContextBundle) -> list[Finding[Any]]:
    parts: Parts = import_module(f"decide.core.families.{family}.family").PARTS
    view = ClusterView(bundle)
    return [one for rule in parts.rules for one in rule(view)]


def _varied(family: str, arrange: Arrange, seed: str) -> Iterator[tuple[str, list[str]]]:
    cluster, app = _ground()
    besides: dict[str, Any] = {}

    def fault(made: Cluster, name: str) -> None:
        besides.update(_besides(arrange, made, name))

    for told, varied in variations(fault, app, cluster, seed):
        lines = [line_of(one) for one in _findings(family, _bundle(varied, besides))]
        yield _named(told, cluster, app), lines


def _told(one: Finding[Any]) -> dict[str, Any]:
    """A finding for a reader; what the plans get of it as a digest."""
    told: dict[str, Any] = {
        "is": f"{one.score:.3f} {one.failure_class} of {_place(one.object)}",
        "detail": _said(one.detail),
        "by": [_fact(fact) for fact in one.evidence],
    }
    if one.against:
        told["against"] = [_said(text) for text in one.against]
    return told | {"facts": f"{type(one.facts).__name__} {digest(one.facts)}"}


def _fact(fact: Fact) -> str:
    value = "" if fact.value is None else f" = {fact.value:.6g} {fact.unit}"
    place = _place(fact.object) if fact.object is not None else "-"
    return f"{fact.source} {place}: {_said(fact.statement)}{value}"


def _place(ref: ObjectRef) -> str:
    return f"{ref.api_version} {ref.key}".strip()


def _said(sentence: object) -> str:
    """A sentence as its id and what it is filled with; outside text as it is."""
    text = sentence if isinstance(sentence, Text) else text_of(sentence)
    if text is None:
        return str(sentence)
    filled = ", ".join(f"{name} {_filling(value)}" for name, value in text.parameters.items())
    return f"{text.id}({filled})"


def _filling(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_filling, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else _said(value)


def _named(text: str, cluster: Cluster, app: str) -> str:
    names = {app: "APP", cluster.namespace: "NS"}
    names |= {node: f"NODE{n}" for n, node in enumerate(cluster.nodes)}
    for name, short in names.items():
        text = text.replace(name, short)
    return text


def write(*chosen: str) -> None:
    """Writes the findings of the families, of all when none is named."""
    for family in chosen or families():
        found = {sentence: found_in_scene(family, sentence) for sentence in scenes_of(family)}
        head = (
            "# What the rules find in the scenes: tests/support/decide/scenes/found.py writes it.\n"
        )
        body = yaml.safe_dump(found, sort_keys=False, width=200, allow_unicode=True)
        expected_file(family).write_text(head + body)


if __name__ == "__main__":
    write(*sys.argv[1:])
