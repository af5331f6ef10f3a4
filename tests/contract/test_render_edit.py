"""`kfix edit` with the real renderers: values of charts and new patches, as diffs that git applies."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kfix.infra.clients.renderers import Programs
from kfix.offline.edit import Request, Workspace, answer
from manifests.proposal.explain import explain
from manifests.repository.index import build
from manifests.repository.locate import Hints
from manifests.repository.rendering import Renderer
from schemas.base import ObjectRef
from tests.support.render import MEMORY, Repo, chart, either, renderer

WISH = {MEMORY: "1Gi"}
BASE = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n"
    "      containers:\n      - name: app\n        image: a:1\n        resources: {limits: {memory: 128Mi}}\n"
)
OVERLAYS = {
    "base/api.yaml": BASE,
    "base/kustomization.yaml": "resources: [api.yaml]\n",
    "prod/kustomization.yaml": "resources: [../base]\n",
    "staging/kustomization.yaml": "resources: [../base]\n",
}


def checkout(folder: Path, files: Repo) -> Path:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "changed"),
    [
        (chart(values_prod="replicaCount: 3\n"), "charts/api/values-prod.yaml"),
        (OVERLAYS, "prod/kustomization.yaml"),
    ],
    ids=["chart", "overlays"],
)
def test_an_edit_is_proven_and_git_applies_it(
    either: Renderer, tmp_path: Path, files: Repo, changed: str
) -> None:
    repo = checkout(tmp_path, files)
    wish = Request(repo=repo, object="Deployment/shop/api", set=WISH, env="production")
    reply = answer(wish, Workspace(either))
    assert (reply.status, reply.file) == ("edited", changed), reply
    for command in (["init", "-q"], ["apply", "-"]):
        subprocess.run(["git", *command], cwd=repo, input=reply.diff.encode(), check=True)
    assert answer(wish, Workspace(either)).status == "unchanged"


def test_without_a_renderer_neither_is_edited(tmp_path: Path) -> None:
    for name, files in (("chart", chart()), ("overlays", OVERLAYS)):
        repo = checkout(tmp_path / name, files)
        wish = Request(repo=repo, object="Deployment/shop/api", set=WISH, env="production")
        assert answer(wish, Workspace()).status == "refused"


def test_an_explanation_ends_at_the_place_that_is_edited(either: Renderer) -> None:
    ref, hints = ObjectRef.parse("Deployment/shop/api"), Hints("production")
    files = chart(values_prod="replicaCount: 3\n")
    told = explain(build(files), ref, hints, either, "spec.replicas")
    assert told.place == "charts/api/values-prod.yaml document 0 at replicaCount"
    assert any("environment production chooses" in step for step in told.steps)
    assert explain(build(files), ref, hints, either).place == "chart charts/api, release api"
    nowhere = explain(build(files), ObjectRef.parse("Deployment/shop/gone"), hints, either)
    assert nowhere.refusal is not None
    assert nowhere.steps
