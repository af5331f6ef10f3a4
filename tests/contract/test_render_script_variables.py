"""Scripts and pipelines that fill variables into what they install, with the real helm."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.refused import NotEditable
from tests.contract.test_render_values import changed
from tests.support.hostile_repos import chart
from tests.support.render import renderer

pytestmark = pytest.mark.render
FILES = chart() | {
    "envs/prod/api.yaml": "replicaCount: 4\n",
    "envs/staging/api.yaml": "replicaCount: 1\n",
    "envs/common.yaml": "replicaCount: 3\n",
}
UPGRADE = "helm upgrade --install api charts/api -n shop"
LONG = (
    f"{UPGRADE} --create-namespace --wait --atomic --timeout 10m --history-max 5 --cleanup-on-fail"
)
EACH = "-f envs/common.yaml -f envs/$ENV/api.yaml"
TEMPLATE = f"""\
stages: [deploy]
.deploy:
  stage: deploy
  script:
    - helm version
    - {UPGRADE} -f envs/common.yaml -f envs/$ENV/api.yaml
"""
EXTENDING = """\
staging:
  extends: .deploy
  variables: {ENV: staging}
  environment: {name: staging}
prod:
  extends: .deploy
  variables: {ENV: prod}
  environment: {name: production}
"""


def _pipeline(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


RIGHT = {
    "an argument": {"deploy.sh": f"#!/bin/sh\nENV=$1\n{UPGRADE} {EACH}\n"},
    "an argument without a name": {"deploy.sh": f"{UPGRADE} -f envs/$1/api.yaml\n"},
    "a default": {"deploy.sh": f'{UPGRADE} -f "envs/${{ENV:-staging}}/api.yaml"\n'},
    "a long line": {"deploy.sh": f"{LONG} {EACH}\n"},
    "a loop": {
        "deploy.sh": f"for env in staging prod; do\n  {UPGRADE} -f envs/$env/api.yaml\ndone\n"
    },
    "set twice": {
        "deploy.sh": f"ENV=staging\n{UPGRADE} {EACH}\nexport ENV=prod\n{UPGRADE} {EACH}\n"
    },
    "a makefile": {"Makefile": f"ENV ?= staging\ndeploy:\n\t{UPGRADE} -f envs/$(ENV)/api.yaml\n"},
    "another pipeline": {
        ".github/workflows/deploy.yaml": "jobs:\n  deploy:\n    steps:\n    - run: "
        f"{UPGRADE} -f envs/${{{{ inputs.environment }}}}/api.yaml\n"
    },
    "a tag on the command line": {
        "deploy.sh": f"{UPGRADE} -f envs/$ENV/api.yaml --set image.tag=$TAG,image.registry=r.example\n"
    },
    "words that are added to a command": {
        "deploy.sh": f'CMD="{UPGRADE}"\nCMD+=" -f envs/$ENV/api.yaml"\nif test $1; then\n'
        '  CMD+=" --atomic"\nfi\neval "$CMD"\n'
    },
    "a template that jobs merge": {
        ".gitlab-ci.yml": TEMPLATE.replace(".deploy:", ".deploy: &deploy").replace(
            "$ENV", "$CI_ENVIRONMENT_NAME"
        )
        + "staging: {<<: *deploy, environment: staging}\nprod: {<<: *deploy, environment: {name: prod}}\n"
    },
    "a template of jobs": {".gitlab-ci.yml": TEMPLATE + EXTENDING},
    "a template for pipelines": {"ci/deploy.yml": TEMPLATE},
    "a matrix": {
        ".gitlab-ci.yml": TEMPLATE.replace(".deploy:", "deploy:")
        + "  parallel:\n    matrix:\n    - ENV: [staging, prod]\n"
    },
    "a matrix of two variables": {
        ".gitlab-ci.yml": _pipeline(
            "deploy:",
            "  parallel:",
            "    matrix:",
            "    - {ENV: [staging], REGION: [eu, us]}",
            "    - {ENV: prod, REGION: eu}",
            "  script:",
            "    - helm upgrade api charts/api -n shop --kube-context $REGION-$ENV -f envs/$ENV/api.yaml",
        )
    },
    "the job's environment": {
        ".gitlab-ci.yml": _pipeline(
            "staging:",
            "  environment: staging",
            f"  script: ['{UPGRADE} -f envs/$CI_ENVIRONMENT_NAME/api.yaml']",
            "prod:",
            "  environment: {name: prod}",
            f"  script: ['{UPGRADE} -f envs/$CI_ENVIRONMENT_NAME/api.yaml']",
        )
    },
    "jobs with namespaces of their own": {
        ".gitlab-ci.yml": _pipeline(
            "staging:",
            "  variables: {ENV: staging}",
            "  script: ['helm upgrade api charts/api -n shop-staging -f envs/$ENV/api.yaml']",
            "prod:",
            "  variables: {ENV: {value: prod, description: where}}",
            f"  script: ['{UPGRADE} -f envs/$ENV/api.yaml']",
        )
    },
    "a variable of a variable": {
        ".gitlab-ci.yml": _pipeline(
            "variables: {VALUES: envs/$ENV/api.yaml}",
            "prod:",
            "  variables: {ENV: prod}",
            f"  script: ['{UPGRADE} -f $VALUES']",
        )
    },
    "rules that set it": {
        ".gitlab-ci.yml": TEMPLATE.replace(".deploy:", "deploy:")
        + "  variables: {ENV: staging}\n  rules:\n  - if: $CI_COMMIT_TAG\n    variables: {ENV: prod}\n"
    },
    "set in another job": {
        ".gitlab-ci.yml": "prepare:\n  script: [export ENV=staging]\n"
        + TEMPLATE.replace(".deploy:", "deploy:")
    },
    "handed over by a job": {
        ".gitlab-ci.yml": "prepare:\n  script: [echo ENV=prod > x]\n  artifacts: {reports: {dotenv: x}}\n"
        + TEMPLATE.replace(".deploy:", "deploy:")
        + "  variables: {ENV: staging}\n"
    },
}


@pytest.mark.parametrize("deployer", RIGHT.values(), ids=RIGHT)
def test_the_environments_file_changes(renderer: Programs, deployer: Mapping[str, str]) -> None:
    assert changed(FILES | dict(deployer), renderer, "spec.replicas", 7, env="prod") == [
        "envs/prod/api.yaml",
        "-replicaCount: 4",
        "+replicaCount: 7",
    ]


LOOSE = {
    "files that a variable names alone": {"deploy.sh": f"{UPGRADE} -f $VALUES\n"},
    "a value that a program tells": {"deploy.sh": f"{UPGRADE} -f envs/$(cat env)/api.yaml\n"},
    "another environment's job": {
        ".gitlab-ci.yml": TEMPLATE + EXTENDING.replace("ENV: prod", "ENV: staging")
    },
    "the same file in two jobs": {
        ".gitlab-ci.yml": TEMPLATE
        + EXTENDING
        + "eu:\n  extends: .deploy\n  variables: {ENV: prod}\n  script: "
        + "['helm upgrade api charts/api -n shop --kube-context eu -f envs/$ENV/api.yaml']\n"
    },
    "values on the command line": {
        "deploy.sh": f"ENV=$1\n{UPGRADE} -f envs/$ENV/api.yaml --set replicaCount=$N\n"
    },
    "a value that the command line says": {
        "deploy.sh": f"ENV=$1\n{UPGRADE} -f envs/$ENV/api.yaml --set replicaCount=3\n"
    },
    "words that are added on a condition": {
        "deploy.sh": f'CMD="{UPGRADE} -f envs/$ENV/api.yaml"\nif test $1; then\n'
        '  CMD+=" -f envs/common.yaml"\nfi\neval "$CMD"\n'
    },
    "files that a pattern names": {
        "deploy.sh": f"for f in envs/*; do {UPGRADE} -f $f/api.yaml; done\n"
    },
    "a file that is missing beside it": {
        "deploy.sh": f"{UPGRADE} -f envs/$ENV/api.yaml -f envs/$ENV/secrets.yaml\n"
    },
}


@pytest.mark.parametrize("deployer", LOOSE.values(), ids=LOOSE)
def test_what_a_variable_may_be_is_not_guessed(
    renderer: Programs, deployer: Mapping[str, str]
) -> None:
    with pytest.raises(NotEditable):
        changed(FILES | dict(deployer), renderer, "spec.replicas", 7, env="prod")


def test_what_all_environments_read_is_not_edited_for_one(renderer: Programs) -> None:
    files = chart() | {
        "envs/common.yaml": "replicaCount: 3\n",
        "deploy.sh": "helm upgrade api charts/api -n shop --kube-context $1 -f envs/common.yaml -f envs/$1.yaml\n",
        "envs/prod.yaml": "{}\n",
        "envs/staging.yaml": "{}\n",
    }
    assert changed(files, renderer, "spec.replicas", 7, env="prod")[0] == "envs/prod.yaml"
    files["envs/prod.yaml"] = "replicaCount: null\n"
    with pytest.raises(NotEditable):
        changed(files, renderer, "spec.replicas", 7, env="uat")


@pytest.mark.parametrize(
    "command",
    ["kubectl apply -k overlays/$ENV", "kustomize build overlays/$ENV | kubectl apply -f -"],
)
def test_overlays_that_a_variable_names_are_built(renderer: Programs, command: str) -> None:
    files = {
        "base/kustomization.yaml": "resources: [api.yaml]\n",
        "base/api.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 2}\n",
        "overlays/prod/kustomization.yaml": "namespace: shop\nresources: [../../base]\nreplicas: [{name: api, count: 3}]\n",
        "overlays/dev/kustomization.yaml": "namespace: shop\nresources: [../../base]\n",
        "deploy.sh": f"ENV=$1\n{command}\n",
    }
    found = changed(files, renderer, "spec.replicas", 7, env="prod")
    assert found[0] == "overlays/prod/kustomization.yaml"


NOTE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note}\ndata: {url: {{ .Values.url | quote }}}\n"


def test_a_text_that_the_chart_only_writes_down_hides_nothing(renderer: Programs) -> None:
    noted = FILES | {"charts/api/templates/note.yaml": NOTE}
    script = {"deploy.sh": f"{UPGRADE} -f envs/$1/api.yaml --set url=$URL\n"}
    assert changed(noted | script, renderer, "spec.replicas", 5, env="prod") == [
        "envs/prod/api.yaml",
        "-replicaCount: 4",
        "+replicaCount: 5",
    ]
    with pytest.raises(NotEditable, match="sets url on its command line") as refused:
        changed(noted | script, renderer, "data.url", "x", env="prod", ref="ConfigMap/shop/note")
    assert refused.value.code == "OVERRIDDEN"
    asking = {"charts/api/templates/note.yaml": "{{ if .Values.url }}\n" + NOTE + "{{ end }}\n"}
    with pytest.raises(NotEditable, match="its command line sets values"):
        changed(noted | asking | script, renderer, "spec.replicas", 5, env="prod")
