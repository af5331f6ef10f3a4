"""What stands in the way is said where nothing is found: an overlay that cannot be built, another name, another kind."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kfix.texts import in_language
from manifests.proposal.propose import set_fields
from manifests.refused import NotEditable
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.index import build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef

DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: 2\n"
    "  template: {spec: {containers: [{name: api, image: 'a:1'}, {name: proxy, image: 'b:1'}]}}\n"
)
PATCH = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 3}\n"
BASE = {"base/api.yaml": DEPLOYMENT, "base/kustomization.yaml": "resources: [api.yaml]\n"}


def refusal(
    files: Mapping[str, str],
    object_: str = "Deployment/shop/api",
    field: str = "spec.paused",
    environment: str = "prod",
) -> NotEditable:
    with pytest.raises(NotEditable) as refused:
        set_fields(
            build(files), ObjectRef.parse(object_), {field: True}, Hints(environment), BuiltIn()
        )
    return refused.value


def overlay(text: str, **more: str) -> dict[str, str]:
    return {"overlays/prod/kustomization.yaml": text} | {
        f"overlays/prod/{k}": v for k, v in more.items()
    }


@pytest.mark.parametrize(
    ("files", "object_", "code", "words"),
    [
        (
            overlay("resources: ['https://git.example/shop/api?ref=1']\n"),
            "Deployment/shop/api",
            "NOT_RENDERED",
            ["overlays/prod may make it", "builds from elsewhere: https://git.example/shop/api"],
        ),
        (
            overlay("helmCharts: [{name: redis, releaseName: cache, repo: 'https://x.example'}]\n"),
            "StatefulSet/shop/cache-redis-master",
            "NOT_RENDERED",
            ["redis in overlays/prod/kustomization.yaml", "the chart is not here to tell"],
        ),
        (
            overlay("helmCharts: [{name: redis, releaseName: cache, repo: 'https://x.example'}]\n"),
            "Deployment/shop/storefront",
            "NOT_FOUND",
            ["no file declares Deployment/shop/storefront"],
        ),
        (
            overlay("resources: ['https://git.example/shop/api?ref=1']\n"),
            "Deployment/other/unlike",
            "NOT_FOUND",
            ["no file declares"],
        ),
        (
            BASE | overlay("resources: [../../base]\nnamePrefix: eu-\n"),
            "Deployment/shop/us-api",
            "NOT_FOUND",
            ["base/api.yaml:1 declares Deployment api", "namePrefix"],
        ),
        (
            {"k8s/api.yaml": "# first\n---\n" + DEPLOYMENT.replace("Deployment", "StatefulSet")},
            "Deployment/shop/api",
            "NOT_FOUND",
            ["k8s/api.yaml:3 declares StatefulSet api"],
        ),
        (
            BASE | overlay("namespace: store\nresources: [../../base]\n"),
            "Deployment/shop/api",
            "NOT_FOUND",
            ["not for namespace shop", "base/api.yaml:1 for store"],
        ),
        (
            overlay(
                "resources: ['https://git.example/shop/api?ref=1']\npatches: [{path: m.yaml}]\n",
                **{"m.yaml": PATCH},
            ),
            "Deployment/shop/api",
            "NOT_RENDERED",
            ["takes it from https://git.example/shop/api?ref=1"],
        ),
    ],
)
def test_what_stands_in_the_way_is_said(
    files: dict[str, str], object_: str, code: str, words: list[str]
) -> None:
    told = refusal(files, object_)
    assert told.code == code, told
    for word in words:
        assert word in told.reason
    assert in_language(told.reason, "fr") != told.reason


def test_a_container_that_is_not_there_is_said_with_those_that_are() -> None:
    field = "spec.template.spec.containers[name=app].tty"
    told = refusal({"k8s/api.yaml": DEPLOYMENT}, field=field)
    assert told.reason == "spec.template.spec.containers has no app, it has api, proxy"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (
            "unknown",
            "2 documents fit and no environment was asked for: eu/api.yaml:1, us/api.yaml:1",
        ),
        ("prod", "2 documents fit and none of them is called prod: eu/api.yaml:1, us/api.yaml:1"),
    ],
)
def test_several_places_are_named_with_their_lines(environment: str, words: str) -> None:
    files = {"eu/api.yaml": DEPLOYMENT, "us/api.yaml": DEPLOYMENT}
    told = refusal(files, environment=environment)
    assert told.reason == f"{words}; an entry of .kfix.yaml says which is meant"
