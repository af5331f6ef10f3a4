"""`kfix map`: who renders what of a repository, as a tree and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from kfix.cli import edit
from kfix.offline import maps
from manifests.proposal.survey import reading, survey
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.index import build

DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 2}\n"
KUSTOMIZED = {
    "base/api.yaml": DEPLOYMENT,
    "base/kustomization.yaml": "resources: [api.yaml]\n",
    "overlays/prod/kustomization.yaml": (
        "namespace: shop\nresources: [../../base]\npatches: [{path: m.yaml}]\n"
    ),
    "overlays/prod/m.yaml": DEPLOYMENT,
    "overlays/dev/kustomization.yaml": "resources: [../../base, 'https://git.example/x//y?ref=1']\n",
}
CHART = {
    "charts/api/Chart.yaml": (
        "apiVersion: v2\nname: api\nversion: 1.0.0\n"
        "dependencies: [{name: redis, version: 1.2.3, repository: 'https://charts.example'}]\n"
    ),
    "charts/api/values.yaml": "replicaCount: 2\n",
    "charts/api/templates/d.yaml": DEPLOYMENT.replace("2", "{{ .Values.replicaCount }}"),
}
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: api, namespace: argocd}
spec:
  destination: {name: prod-eu, namespace: shop}
  source: {repoURL: x, path: charts/api, helm: {valueFiles: [../../envs/prod.yaml]}}
"""


def shape(files: Mapping[str, str]) -> dict[str, Any]:
    with BuiltIn().open(files) as bench:
        return maps.shape(survey(build(files), bench))


def tree(files: Mapping[str, str]) -> str:
    with BuiltIn().open(files) as bench:
        return "\n".join(maps.lines(survey(build(files), bench)))


def named(files: Mapping[str, str], name: str) -> dict[str, Any]:
    (found,) = (one for one in shape(files)["deployments"] if one["name"] == name)
    assert isinstance(found, dict)
    return found


def test_an_overlay_is_shown_with_all_that_it_is_built_from() -> None:
    assert tree(KUSTOMIZED) == "\n".join(
        (
            "development",
            "└─ no cluster said, no namespace said",
            "   └─ the overlay overlays/dev",
            "      ├─ cannot be rendered: overlays/dev builds from elsewhere: https://git.example/x//y?ref=1",
            "      └─ kustomize",
            "         └─ overlays/dev",
            "            ├─ base",
            "            │  └─ base/api.yaml",
            "            └─ https://git.example/x/y?ref=1: not in this repository",
            "production",
            "└─ no cluster said, shop",
            "   └─ the overlay overlays/prod",
            "      └─ kustomize",
            "         └─ overlays/prod",
            "            ├─ base",
            "            │  └─ base/api.yaml",
            "            └─ overlays/prod/m.yaml (patch)",
        )
    )


def test_an_application_is_shown_with_its_chart_and_its_values_in_their_order() -> None:
    files = {**CHART, "apps/api.yaml": APPLICATION, "envs/prod.yaml": "replicaCount: 3\n"}
    found = named(files, "Application/argocd/api in apps/api.yaml")
    assert {
        k: found[k] for k in ("by", "renders", "folder", "release", "cluster", "namespace")
    } == {
        "by": "argocd",
        "renders": "helm",
        "folder": "charts/api",
        "release": "api",
        "cluster": "prod-eu",
        "namespace": "shop",
    }
    assert found["environments"] == ["production"]
    assert found["declared_in"] == "apps/api.yaml"
    assert [(part["role"], part["name"]) for part in found["reads"]] == [
        ("chart", "charts/api"),
        ("values", "charts/api/values.yaml"),
        ("values", "envs/prod.yaml"),
    ]
    (redis,) = found["reads"][0]["reads"]
    assert redis["name"] == "redis 1.2.3"
    assert redis["not_read"] == "not in this repository"


def test_what_cannot_be_read_is_shown_with_its_reason() -> None:
    files: dict[str, str] = {
        "set.yaml": (
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\nspec:\n"
            "  generators: [{clusters: {}}]\n  template:\n    metadata: {name: '{{name}}'}\n"
            "    spec: {source: {repoURL: x, path: 'apps/{{name}}'}, destination: {namespace: shop}}\n"
        ),
        "apps/prod/api.yaml": DEPLOYMENT,
        "deploy.sh": "helm upgrade api charts/api -f $FILE\n",
        "main.jsonnet": "import 'apps/prod/api.yaml'\n",
        **CHART,
    }
    found = shape(files)["deployments"]
    told = {one["name"].partition(" in ")[0]: one["not_rendered"] for one in found}
    assert told["ApplicationSet/all"] == "nobody here can tell which Applications it makes"
    assert told["main.jsonnet"] == "nobody here can run it"
    assert told["`helm upgrade api charts/api -f …`"] == "a shell fills in what it installs"


def test_another_revision_is_said_and_files_that_nobody_names_are_listed() -> None:
    files = {
        "app.yaml": APPLICATION.replace("path: charts/api", "targetRevision: v1.0.0, path: k8s"),
        "k8s/api.yaml": DEPLOYMENT,
        "other/api.yaml": DEPLOYMENT,
    }
    found = shape(files)
    assert "deploys revision v1.0.0" in found["deployments"][0]["other_revision"]
    assert found["loose"] == ["other/api.yaml"]
    assert found["version"] == 1


def test_who_reads_one_file_is_a_part_of_the_map() -> None:
    with BuiltIn().open(KUSTOMIZED) as bench:
        both = reading(build(KUSTOMIZED), bench, "base/api.yaml")
        one = reading(build(KUSTOMIZED), bench, "overlays/prod/m.yaml")
    assert [d.folder for d in both] == ["overlays/dev", "overlays/prod"]
    assert [d.folder for d in one] == ["overlays/prod"]


def test_names_of_files_move_no_cursor() -> None:
    files = {"a\x1b[2Jb/kustomization.yaml": "resources: []\n"}
    assert "\x1b" not in tree(files)


@pytest.mark.parametrize("output", ["text", "json"])
def test_the_command_prints_the_map(tmp_path: Path, output: str) -> None:
    for path, content in KUSTOMIZED.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    app = typer.Typer()
    edit.register(app)
    done = CliRunner().invoke(app, ["map", str(tmp_path), "--output", output])
    assert done.exit_code == 0
    if output == "json":
        assert len(json.loads(done.stdout)["deployments"]) == 2
    else:
        assert "the overlay overlays/prod" in done.stdout
    assert CliRunner().invoke(app, ["map", str(tmp_path / "none")]).exit_code == 3


def test_what_a_deployer_lays_on_top_and_fills_in_is_shown() -> None:
    files = {
        "apps/api/kustomization.yaml": "resources: [api.yaml]\n",
        "apps/api/api.yaml": DEPLOYMENT,
        "clusters/uat/apps.yaml": (
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            "metadata: {name: apps, namespace: flux-system}\nspec:\n  path: ./apps/api\n"
            "  targetNamespace: shop\n  patches: [{patch: 'a'}]\n"
            "  postBuild: {substitute: {env: uat}, substituteFrom: [{kind: ConfigMap, name: vars}]}\n"
        ),
    }
    found = named(files, "Flux's Kustomization apps in clusters/uat/apps.yaml")
    assert found["on_top"] == ["namespace", "patches"]
    assert found["fills_in"] == ["env", "ConfigMap vars"]
    assert (found["namespace"], found["environments"]) == ("shop", ["uat"])
    assert "├─ fills in env, ConfigMap vars\n" in tree(files)


def test_commands_of_scripts_say_their_context_and_namespace() -> None:
    files = {
        "deploy.sh": (
            "helm upgrade -i api charts/api -n shop --kube-context prod-eu -f envs/prod.yaml\n"
            "kubectl --context dev apply -n shop -f k8s/\n"
        ),
        "envs/prod.yaml": "replicaCount: 3\n",
        "k8s/api.yaml": DEPLOYMENT,
        **CHART,
    }
    found = shape(files)["deployments"]
    told = {
        (one["renders"], one["cluster"], one["namespace"], *one["environments"]) for one in found
    }
    assert ("helm", "prod-eu", "shop", "production") in told
    assert ("files", "dev", "shop", "development") in told
    assert {one["release"] for one in found if one["renders"] == "helm"} == {"api"}


def test_a_map_of_the_repositorys_own_that_is_not_right_is_shown() -> None:
    (found,) = shape({**KUSTOMIZED, ".kfix.yaml": "version: 1\ndeclared: []\n"})["unread"]
    assert found["name"] == ".kfix.yaml"
    assert "1 to 500 entries" in found["reason"]
    assert not shape({**KUSTOMIZED, ".kfix.yaml": "version: 1\n"})["unread"]


@pytest.mark.parametrize(
    "noted", ["metadata: {name: api, namespace: argocd}", "metadata: {name: api}"]
)
def test_an_application_is_named_once_with_its_cluster_and_its_values(noted: str) -> None:
    application = APPLICATION.replace("metadata: {name: api, namespace: argocd}", noted)
    found = shape({**CHART, "envs/prod.yaml": "replicaCount: 3\n", "apps/api.yaml": application})
    (one,) = (one for one in found["deployments"] if one["name"].startswith("Application/"))
    assert "//" not in one["name"]
    assert (one["cluster"], one["namespace"], one["release"]) == ("prod-eu", "shop", "api")
    assert "envs/prod.yaml" in [part["name"] for part in one["reads"]]
