"""Two ways to make an object: the live object's labels say which is in use; where they do not, both are named."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import json
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
metadata:
  name: api
LABELSspec:
  replicas: COUNT
  template: {spec: {containers: [{name: app, image: "registry.example/api:1"}]}}
"""
LABELS = (
    "  labels:\n    helm.sh/chart: NAME-{{ .Chart.Version }}\n"
    "    app.kubernetes.io/instance: {{ .Release.Name }}\n"
)


def chart(name: str, labels: str = LABELS) -> dict[str, str]:
    made = DEPLOYMENT.replace("LABELS", labels.replace("NAME", name))
    return {
        f"charts/{name}/Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 1.2.3\n",
        f"charts/{name}/values.yaml": "count: 2\n",
        f"charts/{name}/templates/d.yaml": made.replace("COUNT", "{{ .Values.count }}"),
    }


def application(name: str, path: str) -> dict[str, str]:
    return {
        f"apps/{name}.yaml": (
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
            f"metadata: {{name: {name}, namespace: argocd}}\nspec:\n"
            f"  destination: {{namespace: shop}}\n  source: {{repoURL: x, path: {path}}}\n"
        )
    }


PLAIN = {"k8s/api.yaml": DEPLOYMENT.replace("LABELS", "").replace("COUNT", "2")}
TWO_CHARTS = {
    **chart("old"),
    **chart("new"),
    **application("a", "charts/old"),
    **application("b", "charts/new"),
}
FIELDS = "charts/new/values.yaml"


def ask(
    folder: Path, renderer: Programs, files: Mapping[str, str], live: Mapping[str, str]
) -> EditAnswer:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    wish = Request(
        repo=folder, object="Deployment/shop/api", set={"spec.replicas": 3}, live=dict(live)
    )
    return answer(wish, Workspace(renderer))


@pytest.mark.parametrize(
    "live",
    [
        {"helm.sh/chart": "new-1.2.2"},
        {"argocd.argoproj.io/tracking-id": "b:apps/Deployment:shop/api"},
        {"argocd.argoproj.io/tracking-id": "argocd_b:apps/Deployment:shop/api"},
        {"argocd.argoproj.io/instance": "b"},
        {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "b"},
        {"meta.helm.sh/release-name": "b", "meta.helm.sh/release-namespace": "shop"},
    ],
)
def test_the_chart_that_the_live_object_is_labelled_with_is_edited(
    tmp_path: Path, renderer: Programs, live: dict[str, str]
) -> None:
    reply = ask(tmp_path, renderer, TWO_CHARTS, live)
    assert (reply.status, reply.file) == ("edited", FIELDS), reply
    assert "+count: 3\n" in reply.diff


@pytest.mark.parametrize(
    "live", [{}, {"app.kubernetes.io/instance": "c"}, {"helm.sh/chart": "redis-18.0.1"}]
)
def test_where_no_label_decides_both_are_named(
    tmp_path: Path, renderer: Programs, live: dict[str, str]
) -> None:
    reply = ask(tmp_path, renderer, TWO_CHARTS, live)
    assert reply.code == "AMBIGUOUS_DOC", reply
    assert "argocd/a" in reply.reason
    assert "argocd/b" in reply.reason


def test_the_repositorys_own_map_decides_between_charts(tmp_path: Path, renderer: Programs) -> None:
    said = "version: 1\ndeclared:\n- {for: Deployment/shop/api, below: [charts/new]}\n"
    reply = ask(tmp_path, renderer, {**TWO_CHARTS, ".kfix.yaml": said}, {})
    assert (reply.status, reply.file) == ("edited", FIELDS), reply


@pytest.mark.parametrize(
    ("live", "file"),
    [
        ({"helm.sh/chart": "new-1.2.3"}, FIELDS),
        ({"argocd.argoproj.io/tracking-id": "b:apps/Deployment:shop/api"}, FIELDS),
        ({"argocd.argoproj.io/tracking-id": "p:apps/Deployment:shop/api"}, "k8s/api.yaml"),
        ({"team": "shop"}, "k8s/api.yaml"),
        ({}, ""),
    ],
)
def test_a_plain_file_and_a_chart_are_told_apart_by_the_live_objects_labels(
    tmp_path: Path, renderer: Programs, live: dict[str, str], file: str
) -> None:
    files = {**PLAIN, **chart("new"), **application("b", "charts/new")}
    if live.get("argocd.argoproj.io/tracking-id", "").startswith("p:"):
        files |= application("p", "k8s")
    reply = ask(tmp_path, renderer, files, live)
    assert reply.file == file, reply
    if not file:
        assert reply.code == "AMBIGUOUS_DOC"
        assert "k8s/api.yaml" in reply.reason
        assert "argocd/b" in reply.reason


def test_the_command_takes_the_live_object_from_a_file(tmp_path: Path, renderer: Programs) -> None:
    live = {"kind": "Deployment", "metadata": {"name": "api", "labels": {"helm.sh/chart": "new-1"}}}
    (tmp_path / "live.json").write_text(json.dumps(live))
    from kfix.cli.locate import marks_in
    from schemas.base import ObjectRef

    found = marks_in(tmp_path / "live.json", ObjectRef.parse("Deployment/shop/api"))
    assert found == {"helm.sh/chart": "new-1"}
