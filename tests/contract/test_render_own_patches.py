"""Patches of an overlay's own, with the real kustomize: which of several takes a field, and what none of them can say."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.refused import NotEditable
from tests.contract.test_render_values import changed
from tests.support.hostile_repos import MEMORY
from tests.support.render import renderer

pytestmark = pytest.mark.render

_HEAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n"
_APP = "  template:\n    spec:\n      containers:\n      - name: app\n"
_BASE = (
    f"{_HEAD}  replicas: 2\n  selector: {{matchLabels: {{app: api}}}}\n"
    "  template:\n    metadata: {labels: {app: api}}\n    spec:\n      containers:\n      - name: app\n"
    "        image: registry.example/api:1.0\n"
)
_COMPONENT = (
    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: wide.yaml}]\n"
)
_OVERLAY = "resources: [../../base]\ncomponents: [../../parts]\npatches:\n- path: limits.yaml\n- path: replicas.yaml\n- path: image.yaml\n"
SEVERAL = {
    "base/kustomization.yaml": "namespace: shop\nresources: [api.yaml]\n",
    "base/api.yaml": _BASE,
    "parts/kustomization.yaml": _COMPONENT,
    "parts/wide.yaml": f"{_HEAD}{_APP}        livenessProbe: {{httpGet: {{path: /health, port: 80}}}}\n",
} | {
    f"envs/{env}/{name}": text
    for env in ("prod", "staging")
    for name, text in {
        "kustomization.yaml": _OVERLAY,
        "limits.yaml": f"{_HEAD}{_APP}        resources:\n          limits:\n            cpu: 500m\n",
        "replicas.yaml": f"{_HEAD}  replicas: 3\n",
        "image.yaml": f"{_HEAD}{_APP}        image: registry.example/api:2.0\n",
    }.items()
}
CONTAINER = "spec.template.spec.containers[name=app]"


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        ("spec.replicas", 5, ["envs/prod/replicas.yaml", "-  replicas: 3", "+  replicas: 5"]),
        (
            f"{CONTAINER}.resources.limits.memory",
            "1Gi",
            ["envs/prod/limits.yaml", "+            memory: 1Gi"],
        ),
        (
            f"{CONTAINER}.imagePullPolicy",
            "Always",
            ["envs/prod/image.yaml", "+        imagePullPolicy: Always"],
        ),
        (
            f"{CONTAINER}.livenessProbe.httpGet.path",
            "/live",
            [
                "envs/prod/image.yaml",
                "+        livenessProbe:",
                "+          httpGet:",
                "+            path: /live",
            ],
        ),
    ],
)
def test_of_several_patches_the_nearest_takes_the_field_else_the_last(
    renderer: Programs, path: str, value: object, lines: list[str]
) -> None:
    assert changed(SEVERAL, renderer, path, value, env="prod") == lines
