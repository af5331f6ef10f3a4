"""What Kustomizations say themselves, edited where it stands and judged by kustomize itself."""

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
from tests.support.render import renderer

pytestmark = pytest.mark.render
MEMORY = "spec.template.spec.containers[name=web].resources.limits.memory"
WEB = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 2\n"
    "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n"
    "      containers:\n      - name: web\n        image: r.invalid/web:1\n"
    "        resources: {limits: {memory: 64Mi}}\n"
    "        envFrom: [{configMapRef: {name: web-options}}]\n"
)
SERVICE = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports:\n"
    "  - {name: admin, port: 9000, targetPort: 9000}\n  - {name: http, port: 80, targetPort: 8080}\n"
)
BASE = {
    "base/web.yaml": WEB + "---\n" + SERVICE,
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "dev/kustomization.yaml": "resources: [../base]\nnamePrefix: dev-\n",
}


def edited(
    files: dict[str, str], real: Programs, wanted: dict[str, Any], key: str
) -> dict[str, list[str]]:
    """Lines that go and come, by file."""
    index = build(BASE | files)
    found = set_fields(index, ObjectRef.parse(key), wanted, Hints("prod"), real)
    return {
        edit.path: [
            line
            for line in edit.diff.splitlines()
            if line[:1] in "+-" and line[:3] not in ("+++", "---")
        ]
        for edit in found
    }


OPTIONS = (
    "resources: [../base]\nconfigMapGenerator:\n- name: web-options\n  literals:\n"
    "  - LEVEL=info # loud\n  - 'POOL=\"5\"'\n  envs: [web.env]\n  files: [web.conf]\n"
)
GENERATED = {
    "prod/kustomization.yaml": OPTIONS,
    "prod/web.env": "# of the house\nWAIT=3\nSIZE=1\n",
    "prod/web.conf": "a=1\nb=2\n",
}


@pytest.mark.parametrize(
    ("key", "value", "file", "lines"),
    [
        (
            "LEVEL",
            "warn",
            "kustomization.yaml",
            ["-  - LEVEL=info # loud", "+  - LEVEL=warn # loud"],
        ),
        ("POOL", "9", "kustomization.yaml", ["-  - 'POOL=\"5\"'", "+  - 'POOL=\"9\"'"]),
        ("WAIT", "30", "web.env", ["-WAIT=3", "+WAIT=30"]),
        ("['web.conf']", "a=1\nb=3\n", "web.conf", ["-b=2", "+b=3"]),
    ],
    ids=["literal", "quoted literal", "line of an env file", "file"],
)
def test_an_entry_of_a_generated_configmap_is_changed_where_it_stands(
    renderer: Programs, key: str, value: str, file: str, lines: list[str]
) -> None:
    path = f"data{key}" if key.startswith("[") else f"data.{key}"
    for name in ("web-options", "web-options-0123456789"):
        found = edited(GENERATED, renderer, {path: value}, f"ConfigMap/shop/{name}")
        assert found == {f"prod/{file}": lines}


def test_a_generator_that_two_environments_use_gets_a_literal_over_it_in_one(
    renderer: Programs,
) -> None:
    files = GENERATED | {"live/kustomization.yaml": "resources: [../prod]\nnamespace: shop\n"}
    files |= {"preprod/kustomization.yaml": "resources: [../prod]\nnamespace: shop\n"}
    found = edited(files, renderer, {"data.LEVEL": "warn"}, "ConfigMap/shop/web-options")
    new = ["+configMapGenerator:", "+  - name: web-options", "+    behavior: merge"]
    new += ["+    literals:", "+      - LEVEL=warn"]
    assert found == {"live/kustomization.yaml": new}
    file = {"data['web.conf']": "a=1\nb=3\n"}  # no literal says several lines
    with pytest.raises(NotEditable):
        edited(files, renderer, file, "ConfigMap/shop/web-options")


def test_a_prefixed_name_leads_to_the_patch_of_its_overlay(renderer: Programs) -> None:
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 4}\n"
    files = {
        "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\npatches: [{path: p.yaml}]\n",
        "prod/p.yaml": patch,
    }
    found = edited(files, renderer, {"spec.replicas": 5}, "Deployment/shop/prod-web")
    assert found == {"prod/p.yaml": ["-spec: {replicas: 4}", "+spec: {replicas: 5}"]}


def test_the_second_port_of_a_shared_service_gets_a_patch_that_names_both_by_number(
    renderer: Programs,
) -> None:
    files = {"prod/kustomization.yaml": "resources: [../base]\n"}
    path = "spec.ports[name=http].targetPort"
    found = edited(files, renderer, {path: 8081}, "Service/shop/web")
    assert "+    targetPort: 8081" in found["prod/web-service-patch.yaml"]


@pytest.mark.parametrize("where", ["patch", "path"])
def test_a_json_patch_is_edited_inside_and_beside(renderer: Programs, where: str) -> None:
    operations = (
        "- {op: test, path: /spec/replicas, value: 2}\n"
        "- {op: replace, path: /spec/template/spec/containers/0/resources/limits/memory, value: 96Mi}\n"
    )
    inside = "".join(f"    {line}\n" for line in operations.splitlines())
    how = f"patch: |-\n{inside}" if where == "patch" else "path: p.yaml\n"
    overlay = f"resources: [../base]\npatches:\n- target: {{kind: Deployment}}\n  {how}"
    files = {"prod/kustomization.yaml": overlay}
    files |= {"prod/p.yaml": operations} if where == "path" else {}
    (lines,) = edited(files, renderer, {MEMORY: "1Gi"}, "Deployment/shop/web").values()
    assert [line.partition("value:")[2] for line in lines] == [" 96Mi}", " 1Gi}"]
