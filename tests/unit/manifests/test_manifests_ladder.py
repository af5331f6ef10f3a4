"""What a live object says about where it comes from, and how far it is believed."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from manifests.objects.paths import parse
from manifests.refused import NotEditable
from manifests.repository.index import build
from manifests.repository.locate import Hints, Location, locate
from schemas.base import ObjectRef

API = ObjectRef(kind="Deployment", namespace="shop", name="api")
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 2
  template: {spec: {containers: [{name: app, image: "a:1"}]}}
"""
KUSTOMIZATION = "resources: [../../base]\n"
FILES = {
    "plain/eu/api.yaml": MANIFEST,
    "plain/us/api.yaml": MANIFEST,
    "base/api.yaml": MANIFEST,
    "base/kustomization.yaml": "resources: [api.yaml]\n",
    "overlays/prod/kustomization.yaml": KUSTOMIZATION,
}
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: api-eu, namespace: argocd}
spec:
  destination: {namespace: shop}
  source: {repoURL: https://gitlab.example.com/shop/deploy.git, path: plain/eu}
"""
SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: everywhere, namespace: argocd}
spec:
  generators:
  - git:
      repoURL: https://gitlab.example.com/shop/deploy.git
      directories: [{path: "plain/*"}]
  template:
    metadata: {name: "api-{{path.basename}}"}
    spec:
      destination: {namespace: shop}
      source: {repoURL: https://gitlab.example.com/shop/deploy.git, path: "{{ path }}"}
"""
FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec: {path: ./plain/us, sourceRef: {kind: GitRepository, name: flux-system}}
"""
TRACKED = {"argocd.argoproj.io/tracking-id": "api-eu:apps/Deployment:shop/api"}
BY_FLUX = {
    "kustomize.toolkit.fluxcd.io/name": "apps",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}


def mapped(**repo: str) -> dict[str, str]:
    return {"origin.datadoghq.com/location": json.dumps({"repo": repo})}


def found(
    files: Mapping[str, str],
    marks: Mapping[str, str],
    field: str = "spec.replicas",
    **hints: str,
) -> Location:
    given = Hints(project="shop/deploy", live={API.key: marks}, **hints)
    return locate(API, build(files), given, fields=[parse(field)])


def code(files: Mapping[str, str], marks: Mapping[str, str], field: str = "spec.replicas") -> str:
    with pytest.raises(NotEditable) as refused:
        found(files, marks, field)
    return refused.value.code


@pytest.mark.parametrize(
    ("more", "marks", "path"),
    [
        ({}, mapped(url="https://gitlab.example.com/shop/deploy", path="plain/us"), "plain/us"),
        (
            {},
            mapped(url="git@gitlab.example.com:shop/deploy.git", path="plain/us/api.yaml"),
            "plain/us",
        ),
        ({}, mapped(path="./plain/eu"), "plain/eu"),
        ({"apps/api.yaml": APPLICATION}, TRACKED, "plain/eu"),
        ({"apps/set.yaml": SET}, TRACKED, "plain/eu"),
        ({"clusters/apps.yaml": FLUX}, BY_FLUX, "plain/us"),
        ({}, {"config.kubernetes.io/origin": "path: ../us/api.yaml\n"}, "plain/us"),
    ],
)
def test_each_rung_leads_to_the_one_document(
    more: dict[str, str], marks: dict[str, str], path: str
) -> None:
    assert code(FILES, {}) == "AMBIGUOUS_DOC"
    location = found(FILES | more, marks)
    assert location.path == f"{path}/api.yaml"
    assert any("leads to" in step for step in location.steps)


def test_the_deployed_folder_decides_the_overlay_whatever_the_environment_is_called() -> None:
    files = FILES | {"overlays/next/kustomization.yaml": KUSTOMIZATION}
    location = found(files, mapped(path="overlays/next"), environment="production")
    assert (location.built_in, location.path) == ("overlays/next", "base/api.yaml")
    assert location.blocked is not None


def test_several_sources_of_an_application_are_all_looked_into() -> None:
    several = APPLICATION.replace(
        "  source: {repoURL: https://gitlab.example.com/shop/deploy.git, path: plain/eu}\n",
        "  sources:\n  - {repoURL: https://charts.example.com, chart: redis, targetRevision: 1.0.0}\n"
        "  - {repoURL: https://gitlab.example.com/shop/deploy.git, path: plain/us}\n",
    )
    assert found(FILES | {"a.yaml": several}, TRACKED).path == "plain/us/api.yaml"


@pytest.mark.parametrize(
    ("more", "marks"),
    [
        ({}, mapped(url="https://gitlab.example.com/other/repo", path="plain/us")),
        ({"a.yaml": APPLICATION.replace("shop/deploy", "other/repo")}, TRACKED),
        ({}, {"config.kubernetes.io/origin": "path: api.yaml\nrepo: https://example.com/x\n"}),
    ],
)
def test_an_object_of_another_repository_is_not_looked_for_here(
    more: dict[str, str], marks: dict[str, str]
) -> None:
    assert code(FILES | more, marks) == "NOT_FOUND"


@pytest.mark.parametrize(
    "marks",
    [
        TRACKED,
        BY_FLUX,
        {"origin.datadoghq.com/location": "{not json"},
        {"origin.datadoghq.com/location": "[]"},
        {"config.kubernetes.io/origin": "{"},
        {"argocd.argoproj.io/tracking-id": "no tracking id"},
    ],
)
def test_what_leads_nowhere_is_passed_over_and_never_narrows(marks: dict[str, str]) -> None:
    only = {"k8s/api.yaml": MANIFEST}
    assert found(only, marks).path == "k8s/api.yaml"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ("images: [a=b:2]", "spec.template.spec.containers[name=app].image"),
        ("replicas: [{name: api, count: 3}]", "spec.replicas"),
    ],
)
def test_what_the_deployer_sets_on_top_is_not_edited_below(settings: str, field: str) -> None:
    application = APPLICATION.replace(
        "path: plain/eu}", "path: plain/eu, kustomize: {" + settings + "}}"
    )
    assert code(FILES | {"a.yaml": application}, TRACKED, field) == "OVERRIDDEN"


def test_a_patch_of_flux_on_top_is_seen() -> None:
    flux = FLUX.replace(
        "spec: {path: ./plain/us,", "spec: {path: ./plain/us, images: [{name: a, newTag: '2'}],"
    )
    field = "spec.template.spec.containers[name=app].image"
    assert code(FILES | {"c.yaml": flux}, BY_FLUX, field) == "OVERRIDDEN"
    assert found(FILES | {"c.yaml": flux}, BY_FLUX).path == "plain/us/api.yaml"
