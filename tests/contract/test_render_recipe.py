"""What the page about locating promises to whoever follows its two minutes."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kfix.infra.clients.renderers import Programs
from kfix.offline.edit import EditAnswer, Request, Workspace, answer
from tests.support.render import renderer

pytestmark = pytest.mark.render
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: COUNT
  template: {spec: {containers: [{name: app, image: "registry.example/api:1"}]}}
"""


def ask(
    folder: Path, renderer: Programs, files: Mapping[str, str], env: str, **live: str
) -> EditAnswer:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    wish = Request(
        repo=folder, object="Deployment/shop/api", set={"spec.replicas": 6}, env=env, live=live
    )
    return answer(wish, Workspace(renderer))


def application(env: str, files: str) -> dict[str, str]:
    return {
        f"argocd/{env}/api.yaml": (
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
            "metadata: {name: api, namespace: argocd}\nspec:\n  destination: {namespace: shop}\n"
            f"  source: {{repoURL: x, path: charts/api, helm: {{valueFiles: [{files}]}}}}\n"
        )
    }


CHART = {
    "charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n",
    "charts/api/values.yaml": "replicaCount: 2\n",
    "charts/api/templates/d.yaml": DEPLOYMENT.replace("COUNT", "{{ .Values.replicaCount }}"),
}


@pytest.mark.parametrize(
    "own", ["", "# what production has of its own\n", "# no line break", "{}\n", "other: 1\n"]
)
def test_an_empty_values_file_of_the_environment_is_enough(
    tmp_path: Path, renderer: Programs, own: str
) -> None:
    files = {
        **CHART,
        **application("prod", "values-prod.yaml"),
        **application("staging", "values-staging.yaml"),
        "charts/api/values-staging.yaml": "replicaCount: 1\n",
        "charts/api/values-prod.yaml": own,
    }
    reply = ask(tmp_path, renderer, files, "production")
    assert (reply.status, reply.file) == ("edited", "charts/api/values-prod.yaml"), reply
    assert "replicaCount: 6" in reply.diff
    assert all(f" {line}" in reply.diff for line in own.split("\n") if line.startswith("# what"))


def test_without_a_layer_of_its_own_what_is_shared_is_not_edited(
    tmp_path: Path, renderer: Programs
) -> None:
    files = {
        **CHART,
        **application("prod", ""),
        **application("staging", "values-staging.yaml"),
        "charts/api/values-staging.yaml": "image: {}\n",
    }
    reply = ask(tmp_path, renderer, files, "production")
    assert reply.file in ("", "argocd/prod/api.yaml"), reply


@pytest.mark.parametrize("tree", ["a", "b"])
def test_an_origin_annotation_tells_two_trees_apart(
    tmp_path: Path, renderer: Programs, tree: str
) -> None:
    files = {f"{one}/api.yaml": DEPLOYMENT.replace("COUNT", "2") for one in ("a", "b")}
    assert ask(tmp_path, renderer, files, "prod").code == "AMBIGUOUS_DOC"
    live = {"config.kubernetes.io/origin": f"path: ../{tree}/api.yaml\n"}
    reply = ask(tmp_path, renderer, files, "prod", **live)
    assert (reply.status, reply.file) == ("edited", f"{tree}/api.yaml"), reply


def test_three_lines_tell_two_trees_of_one_environment_apart(
    tmp_path: Path, renderer: Programs
) -> None:
    base = {"base/api.yaml": DEPLOYMENT.replace("COUNT", "2")}
    base["base/kustomization.yaml"] = "resources: [api.yaml]\n"
    overlays = {
        f"{one}/prod/kustomization.yaml": "namespace: shop\nresources: [../../base]\n"
        for one in ("eu", "us")
    }
    assert ask(tmp_path, renderer, base | overlays, "prod").code == "AMBIGUOUS_DOC"
    own = "version: 1\ndeclared:\n- {for: shop, environment: prod, below: [eu]}\n"
    reply = ask(tmp_path, renderer, base | overlays | {".kfix.yaml": own}, "prod")
    assert reply.status == "edited", reply
    assert "+++ b/eu/prod/" in reply.diff
    assert "us/prod" not in reply.diff
