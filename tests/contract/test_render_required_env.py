"""helmfiles whose environments a variable of the shell tells apart, with the real helm."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.refused import NotEditable
from manifests.repository.index import build
from manifests.repository.installers import helmfile
from tests.contract.test_render_values import changed
from tests.support.hostile_repos import chart
from tests.support.render import renderer

pytestmark = pytest.mark.render

HELMFILE = """\
releases:
  - name: api
    namespace: shop-{{ requiredEnv "ENV" }}
    chart: ./charts/api # of this repository
    values:
      - envs/{{ requiredEnv "ENV" }}/api.yaml
  - name: canary
    namespace: shop-{{ requiredEnv "ENV" }}
    chart: ./charts/api
    installed: {{ requiredEnv "ENV" | eq "prod" }}
    values: [envs/api-{{ requiredEnv "ENV" }}.yaml]
"""
FILES = chart() | {
    "helmfile.yaml": HELMFILE,
    "envs/prod/api.yaml": "replicaCount: 4\n",
    "envs/stg/api.yaml": "replicaCount: 1\n",
    "envs/api-prod.yaml": "replicaCount: 1\n",
    "envs/other/notes.yaml": "a: 1\n",
}


def test_each_environment_that_has_files_is_one() -> None:
    found = [(one.environment, one.name, one.namespace) for one in helmfile.releases(build(FILES))]
    assert found == [
        ("prod", "api", "shop-prod"),
        ("prod", "canary", "shop-prod"),
        ("stg", "api", "shop-stg"),
    ]


def test_a_default_is_one_of_its_values(renderer: Programs) -> None:
    text = HELMFILE.replace('requiredEnv "ENV" }}', 'env "ENV" | default "stg" }}')
    text = text.replace('requiredEnv "ENV"', 'env "ENV" | default "stg"')
    files = FILES | {"helmfile.yaml": text}
    ref = "Deployment/shop-prod/api"
    found = changed(files, renderer, "spec.replicas", 7, env="prod", ref=ref)
    assert found[0] == "envs/prod/api.yaml"


@pytest.mark.parametrize(("env", "count"), [("prod", 4), ("stg", 1)])
def test_values_change_in_the_environment_that_is_asked_for(
    renderer: Programs, env: str, count: int
) -> None:
    ref = f"Deployment/shop-{env}/api"
    assert changed(FILES, renderer, "spec.replicas", 7, env=env, ref=ref) == [
        f"envs/{env}/api.yaml",
        f"-replicaCount: {count}",
        "+replicaCount: 7",
    ]


@pytest.mark.parametrize(
    "text",
    [
        HELMFILE.replace('Env "ENV" }}/api', 'Env "OTHER" }}/api'),
        "environments: {prod: {}, stg: {}}\n" + HELMFILE.replace("    installed", "    #"),
    ],
    ids=["two variables", "environments of its own"],
)
def test_what_the_variable_may_be_is_not_guessed(renderer: Programs, text: str) -> None:
    files = FILES | {"helmfile.yaml": text}
    with pytest.raises(NotEditable):
        changed(files, renderer, "spec.replicas", 7, env="prod", ref="Deployment/shop-prod/api")


def test_values_inside_of_such_a_helmfile_are_every_environments(renderer: Programs) -> None:
    inside = HELMFILE.replace(
        '      - envs/{{ requiredEnv "ENV" }}/api.yaml\n',
        '      - envs/{{ requiredEnv "ENV" }}/api.yaml\n      - replicaCount: 3\n',
    )
    files = FILES | {"helmfile.yaml": inside}
    with pytest.raises(NotEditable):
        changed(files, renderer, "spec.replicas", 7, env="prod", ref="Deployment/shop-prod/api")
