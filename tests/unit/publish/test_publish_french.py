"""What other stages say is French where people read French."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from kfix.incident.redaction import mask
from kfix.infra.clients.kubernetes.lock import proof_of
from kfix.infra.forges.gitlab.dialect import DIALECT
from learn.core.judgement import WorkloadState, judge
from manifests import Refused, propose
from publish.core import assurance, french
from publish.core.wording import check_name
from schemas.errors import Unavailable
from schemas.places import EnvironmentProof, Statement
from schemas.validated import CheckName
from tests.support import publish as sample

ROOT = Path(__file__).resolve().parents[3]
#: Functions that make sentences for people.
_SPEAKERS = {
    "_replica_trouble",
    "_resource_trouble",
    "_growth",
    "_history",
    "_against",
    "_outside",
    "_trouble",
    "_broken",
}


def sentences(path: Path) -> Iterator[str]:
    """The sentences in a module of safety, with ``x1`` where it fills something in."""
    for node in ast.walk(ast.parse(path.read_text())):
        found: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if called == "result" and len(node.args) > 2:
                found = [node.args[2]]
            found += [k.value for k in node.keywords if k.arg == "reason"]
        elif isinstance(node, ast.FunctionDef) and node.name in _SPEAKERS:
            returns = [n.value for n in ast.walk(node) if isinstance(n, ast.Return)]
            found = [v.elts[1] if isinstance(v, ast.Tuple) else v for v in returns if v is not None]
        for expression in found:
            yield from _texts(expression)


def _texts(expression: ast.expr) -> Iterator[str]:
    if isinstance(expression, ast.IfExp):
        yield from _texts(expression.body)
        yield from _texts(expression.orelse)
    elif isinstance(expression, ast.Constant) and expression.value:
        yield str(expression.value)
    elif isinstance(expression, ast.JoinedStr):
        parts = [str(v.value) if isinstance(v, ast.Constant) else "1" for v in expression.values]
        yield "".join(parts)


#: They quote what a server, a policy or a Python error said.
_QUOTES = ("could not be checked: ", "1: ", "1 ", "quota 1: 1 1")


@pytest.mark.parametrize(
    "module",
    [
        "core/checks.py",
        "core/quota.py",
        "core/budgets.py",
        "core/checking.py",
        "adapters/kubernetes.py",
        "service/schema.py",
        "service/examination.py",
    ],
)
def test_every_verdict_has_its_french_sentence(module: str) -> None:
    found = set(sentences(ROOT / "safety" / module))
    assert found
    missing = {s for s in found if not french.known(s) and not s.startswith(_QUOTES)}
    assert missing == set()


def test_every_check_has_a_name_for_people() -> None:
    for name in get_args(CheckName):
        english, french_name = check_name(name, "en"), check_name(name, "fr")
        assert "`" not in english + french_name, name


def test_how_a_line_was_found_is_said_in_french() -> None:
    edits = propose(
        sample.FILES, [sample.change("900m")], environment="production", project="p", ref="main"
    )
    assert not isinstance(edits, Refused)
    for step in edits[0].located_by:
        assert french.known(step), step
        assert french.said(step, "fr") != step


@pytest.mark.parametrize(
    "state",
    [
        WorkloadState(arrived=False),
        WorkloadState(True, 3, 2, 0),
        WorkloadState(True, 3, 2, 0, ("ImagePullBackOff",)),
        WorkloadState(True, 3, 3, 1),
        WorkloadState(True, 3, 3, 4, ("OOMKilled",)),
        WorkloadState(True, 3, 3, 0),
        WorkloadState(),
    ],
)
@pytest.mark.parametrize("after", [0.01, 0.4, 0.9])
def test_what_was_found_after_a_merge_is_said_in_french(state: WorkloadState, after: float) -> None:
    before = {"throttled_ratio": 0.42, "error_rate": 0.1}
    now = {"throttled_ratio": after, "error_rate": after}
    for failure in ("cpu_throttling", "oom_killed"):
        told = judge(failure, state, before, now).explanation
        assert french.known(told), told


def test_a_refusal_keeps_its_code_and_its_file() -> None:
    told = french.said(
        "IGNORED: apps/a.yaml: a comment asks K-Fix to leave the document alone", "fr"
    )
    assert told.startswith("IGNORED : apps/a.yaml : un commentaire")


@pytest.mark.parametrize("text", ["", "something else", "x" * 100_000, "a " * 50_000, "/merge"])
def test_what_is_not_known_is_left_as_it_was(text: str) -> None:
    assert french.said(text, "fr") == text
    assert french.said(text, "en") == text


@pytest.mark.parametrize(
    "text",
    [
        "rendering charts/api makes Deployment/shop/api: charts/api/values.yaml",
        "value resources.limits.memory reaches spec.template.spec.containers[name=app].resources.limits.memory"
        " and nothing else; it is set in charts/api/values.yaml",
        "environment production chooses charts/api/values-prod.yaml",
        "environment production chooses 1 of 3 overlays and files",
        "Datadog's resource mapping leads to overlays/prod",
        "Flux's Kustomization apps leads to no document that declares it",
        "a new patch of overlays/prod alone",
        "rendered before and after: the planned fields change, and nothing else",
        "not rendered: helm is not installed here",
    ],
)
def test_what_rendering_showed_is_said_in_french(text: str) -> None:
    assert french.said(text, "fr") != text


@pytest.mark.parametrize(
    ("where", "french_where"),
    [
        ("scope kube_cluster_name", "portée kube_cluster_name"),
        ("monitor tag env", "tag env du moniteur"),
        ("monitor query env", "requête du moniteur, env"),
        ("name of Namespace/shop", "nom de Namespace/shop"),
        ("label a.b/env of Deployment/shop/x", "label a.b/env de Deployment/shop/x"),
        ("label env of Deployment/s/x's template", "label env du modèle de Deployment/s/x"),
        ("DD_ENV of Deployment/s/x", "DD_ENV de Deployment/s/x"),
        ("KFIX_ENRICH_ENVIRONMENTS of shop", "KFIX_ENRICH_ENVIRONMENTS de shop"),
    ],
)
def test_where_an_environment_was_read_is_said_in_french(where: str, french_where: str) -> None:
    told = Statement(source="workload", value="prod", where=where, environment="production")
    proof = EnvironmentProof(environment="production", verdict="proven", statements=(told,))
    shown = assurance.place(proof, DIALECT, "fr").replace("\\", "")
    assert french_where in shown.replace("`", "")
    assert where in assurance.place(proof, DIALECT, "en").replace("\\", "").replace("`", "")


@pytest.mark.parametrize("answer", [None, Unavailable("no answer", reason="down")])
def test_why_plans_are_not_examined_without_the_lock_is_read_whole_in_both_languages(
    answer: Unavailable | None,
) -> None:
    proven = proof_of(answer)
    text = f"plans are not examined while the cluster's lock is {proven.state}: {proven.why}"
    assert mask(text) == text
    assert french.said(text, "en") == text
    assert "verrou du cluster" in french.said(text, "fr")
