"""Namespaces and autoscalers as installers say them, with edits proven by helm and kustomize."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

from typing import Any

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.proposal.propose import set_fields
from manifests.refused import NotEditable
from manifests.repository.index import build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef
from tests.support.render import VALUES, chart, renderer

pytestmark = pytest.mark.render
PLAIN = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: 2\n"
    "  selector: {matchLabels: {app: api}}\n  template:\n    metadata: {labels: {app: api}}\n"
    "    spec: {containers: [{name: app, image: 'r.invalid/api:1'}]}\n"
)
BUNDLE = (
    "namespace: shop\nhelm: {releaseName: api}\ntargetCustomizations:\n"
    "- name: dev\n  helm: {values: {replicaCount: 2}}\n"
    "- name: prod\n  helm: {values: {replicaCount: 4}}\n"
)


def edited(
    files: dict[str, str], real: Programs, wanted: dict[str, Any], environment: str, namespace: str
) -> dict[str, str]:
    """The new texts, by file."""
    ref = ObjectRef(kind="Deployment", namespace=namespace, name="api")
    found = set_fields(build(files), ref, wanted, Hints(environment), real)
    return {edit.path: edit.after for edit in found}


def test_a_release_in_just_the_namespace_is_edited_beside_files_that_say_none(
    renderer: Programs,
) -> None:
    files = chart() | {
        "charts/api/fleet.yaml": BUNDLE,
        "simple/api.yaml": PLAIN,
        "other/fleet.yaml": "namespace: other\n",
        "other/api.yaml": PLAIN,
    }
    found = edited(files, renderer, {"spec.replicas": 7}, "prod", "shop")
    assert found == {"charts/api/fleet.yaml": BUNDLE.replace("replicaCount: 4", "replicaCount: 7")}
    with pytest.raises(NotEditable, match=r"other/api\.yaml:1 for other") as refused:
        edited(files, renderer, {"spec.replicas": 7}, "prod", "bank")
    assert refused.value.code == "NOT_FOUND"
    assert set(edited(files, renderer, {"spec.replicas": 7}, "", "simple")) == {"simple/api.yaml"}


SCALER = (
    "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: api}\n"
    "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}, maxReplicas: 9}\n"
)


def test_an_overlay_is_edited_where_the_autoscaler_stands_in_anothers(renderer: Programs) -> None:
    files = {
        "base/api.yaml": PLAIN,
        "base/kustomization.yaml": "resources: [api.yaml]\n",
        "overlays/prod/kustomization.yaml": "resources: [../../base, hpa.yaml]\nnamespace: prod\n",
        "overlays/prod/hpa.yaml": SCALER,
        "overlays/staging/kustomization.yaml": "resources: [../../base]\nnamespace: staging\n",
    }
    found = edited(files, renderer, {"spec.replicas": 3}, "staging", "staging")
    assert all(path.startswith("overlays/staging/") for path in found)
    with pytest.raises(NotEditable, match=r"overlays/prod/hpa\.yaml") as refused:
        edited(files, renderer, {"spec.replicas": 3}, "prod", "prod")
    assert refused.value.code == "HPA_OWNED"


def test_a_refusal_says_where_an_autoscalers_bounds_are_and_what_a_template_lacks(
    renderer: Programs,
) -> None:
    scaled = VALUES.replace("  enabled: false\n", "  enabled: true\n  min: 2\n  max: 4\n")
    files = chart() | {"charts/api/values.yaml": scaled}
    with pytest.raises(NotEditable, match=r"values\.yaml: autoscaling\.max") as refused:
        edited(files, renderer, {"spec.replicas": 3}, "", "shop")
    assert refused.value.code == "HPA_OWNED"
    with pytest.raises(NotEditable, match="says no such field"):
        edited(files, renderer, {"spec.template.spec.nodeSelector.disk": "ssd"}, "", "shop")


APPLICATION = (
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api-mainnet, namespace: argocd}\n"
    "spec:\n  source: {repoURL: https://git.example/r.git, path: charts/api, helm: {releaseName: api}}\n"
    "  destination: {namespace: shop}\n"
)


def test_the_only_release_is_not_edited_for_an_environment_that_its_words_are_not(
    renderer: Programs,
) -> None:
    files = chart() | {"apps/api.yaml": APPLICATION}
    assert edited(files, renderer, {"spec.replicas": 3}, "prod", "shop")
    with pytest.raises(NotEditable, match="another environment"):
        edited(files, renderer, {"spec.replicas": 3}, "staging", "shop")
    silent = files | {"apps/api.yaml": APPLICATION.replace("api-mainnet", "api-one")}
    assert edited(silent, renderer, {"spec.replicas": 3}, "staging", "shop")
