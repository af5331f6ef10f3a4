"""Layouts of helmfiles as people have them, each with the line that has to change, with the real helm."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.refused import NotEditable
from tests.contract.test_render_values import MEMORY, REPLICAS, changed
from tests.support.hostile_repos import chart
from tests.support.render import renderer

pytestmark = pytest.mark.render

SERVICES = """\
environments:
  default:
    values:
      - globals/values.yaml
  stage:
    values:
      - globals/values.stage.yaml
      - namespace: test-env
  prod:
    values:
      - globals/values.prod.yaml
---
repositories:
  - name: mesh
    url: https://charts.example/mesh
releases:
  - name: mesh-view
    condition: mesh.enabled
    namespace: mesh
    chart: mesh/view
    values:
      - ./mesh/values.{{ .Environment.Name }}.yaml
  - name: api
    namespace: "{{ .Values.namespace }}"
    chart: ./charts/api
    labels:
      tier: backend
    wait: true
    values:
      - ./api/values.yaml
      - ./api/values.yaml.gotmpl
      - ./api/values.{{ .Environment.Name }}.yaml
    needs:
      - mesh/mesh-view
"""
_GLOBALS = "namespace: shop\nmesh: {enabled: true}\nlimits:\n  memory: 512Mi\n"


def services() -> dict[str, str]:
    return chart() | {
        "helmfile.yaml": SERVICES,
        "globals/values.yaml": _GLOBALS,
        "globals/values.stage.yaml": _GLOBALS.replace("512", "128"),
        "globals/values.prod.yaml": _GLOBALS,
        "api/values.yaml": "image: {tag: 1.0.0}\n",
        "api/values.yaml.gotmpl": "resources:\n  limits:\n    memory: {{ .Values.limits.memory }}\n",
        "api/values.default.yaml": "replicaCount: 1\n",
        "api/values.stage.yaml": "replicaCount: 2\n",
        "api/values.prod.yaml": "replicaCount: 4\n",
        "mesh/values.prod.yaml": "a: 1\n",
    }


def test_services_of_one_helmfile_with_files_for_each_environment(renderer: Programs) -> None:
    found = changed(services(), renderer, REPLICAS, 7, env="prod")
    assert found == ["api/values.prod.yaml", "-replicaCount: 4", "+replicaCount: 7"]
    found = changed(services(), renderer, MEMORY, "777Mi", env="prod")
    assert found == ["globals/values.prod.yaml", "-  memory: 512Mi", "+  memory: 777Mi"]
    ref = "Deployment/test-env/api"
    found = changed(services(), renderer, MEMORY, "777Mi", env="stage", ref=ref)
    assert found == ["globals/values.stage.yaml", "-  memory: 128Mi", "+  memory: 777Mi"]


ALONE = """\
environments:
  prod:
---
releases:
  - name: {{ .Environment.Name }}
    namespace: "shop"
    chart: .
    version: "{{ default "latest" (env "VERSION") }}"
    values:
      - environments/{{ .Environment.Name }}/values.yaml
---
helmDefaults:
  atomic: true
"""


def test_a_chart_that_is_the_whole_repository(renderer: Programs) -> None:
    files = {path.removeprefix("charts/api/"): text for path, text in chart().items()}
    files |= {"helmfile.yaml": ALONE, "environments/prod/values.yaml": "replicaCount: 4\n"}
    found = changed(files, renderer, REPLICAS, 7, env="prod", ref="Deployment/shop/prod")
    assert found == ["environments/prod/values.yaml", "-replicaCount: 4", "+replicaCount: 7"]


BASED = """\
bases:
  - environments.yaml
---
templates:
  vars: &vars
    values:
      - ./config/{{`{{ .Release.Name }}`}}/{{ .Environment.Name }}.yaml
releases:
  - name: api
    namespace: shop
    chart: ./charts/api
    <<: *vars
  - name: db
    installed: {{ eq .Environment.Name "dev" | toYaml }}
    namespace: shop
    chart: ./charts/api
    <<: *vars
"""
_BASED = chart() | {
    "helmfile.yaml.gotmpl": BASED,
    "environments.yaml": "environments:\n  dev:\n  prod:\n",
    "config/api/dev.yaml": "replicaCount: 1\n",
    "config/api/prod.yaml": "replicaCount: 4\n",
    "config/db/dev.yaml": "replicaCount: 1\n",
}


def test_a_base_and_an_anchor_that_names_files_after_the_release(renderer: Programs) -> None:
    found = changed(_BASED, renderer, REPLICAS, 7, env="prod")
    assert found == ["config/api/prod.yaml", "-replicaCount: 4", "+replicaCount: 7"]


def test_secrets_beside_the_values_are_not_followed(renderer: Programs) -> None:
    sealed = BASED.replace("releases:", "    secrets: ['config/secrets.yaml']\nreleases:")
    with pytest.raises(NotEditable, match="secrets"):
        changed(_BASED | {"helmfile.yaml.gotmpl": sealed}, renderer, REPLICAS, 7, env="prod")


SHELL = """\
releases:
  - name: hub-{{ requiredEnv "INSTANCE" }}
    namespace: hub
    chart: ./charts/api
    labels:
      instance: {{ requiredEnv "INSTANCE" }}
    values:
      - hub.yaml
    set:
      - name: token
        value: {{ requiredEnv "TOKEN" }}
  - name: api
    namespace: shop
    chart: ./charts/api
    missingFileHandler: Warn
    values:
      - api.yaml
      - local.yaml
"""


def test_what_the_shell_says_of_one_release_leaves_another_one_known(renderer: Programs) -> None:
    files = chart() | {"helmfile.yaml": SHELL, "api.yaml": "replicaCount: 4\n", "hub.yaml": "{}\n"}
    found = changed(files, renderer, REPLICAS, 7)
    assert found == ["api.yaml", "-replicaCount: 4", "+replicaCount: 7"]
    with pytest.raises(NotEditable):
        changed(files, renderer, REPLICAS, 7, ref="Deployment/hub/hub-eu")


STAGES = {
    "helmfile.yaml": "environments: {dev: {}, prod: {}}\n---\nhelmfiles:\n  - helmfile-core.yaml\n",
    "common.yaml": "environments:\n  dev: {values: [env/dev.yaml]}\n  prod: {values: [env/prod.yaml]}\n",
    "helmfile-core.yaml": "bases: [common.yaml]\n---\nreleases:\n  - name: api\n    namespace: shop\n"
    "    chart: ./charts/api\n    values: [core/{{ .Environment.Name }}.yaml, core/api.yaml.gotmpl]\n",
    "core/dev.yaml": "{}\n",
    "core/prod.yaml": "resources: {limits: {memory: 1Gi}}\n",
    "core/api.yaml.gotmpl": "replicaCount: {{ .Values.api | get `replicas` 2 }}\n",
    "env/dev.yaml": "api: {replicas: 1}\n",
    "env/prod.yaml": "api: {replicas: 4}\n",
}


def test_helmfiles_in_stages_on_a_common_base(renderer: Programs) -> None:
    found = changed(chart() | STAGES, renderer, REPLICAS, 7, env="prod")
    assert found == ["env/prod.yaml", "-api: {replicas: 4}", "+api: {replicas: 7}"]
