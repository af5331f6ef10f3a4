"""What helmfile fills into releases: the line that changes is the one that says helmfile's own value, with the real helm."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.refused import NotEditable
from tests.contract.test_render_values import MEMORY, REPLICAS, changed
from tests.support.hostile_repos import chart
from tests.support.render import renderer

pytestmark = pytest.mark.render
ENVIRONMENTS = """\
environments:
  staging:
    values: [envs/common.yaml, envs/staging.yaml]
  prod:
    values: [envs/common.yaml, envs/prod.yaml]
"""
RELEASE = """\
releases:
  - name: api
    namespace: shop
    chart: ./charts/api
    values:
"""
MADE = RELEASE + "      - values/api.yaml.gotmpl\n"
GOTMPL = """\
replicaCount: {{ .Values.api.replicas }}
resources:
  limits:
    memory: {{ .Values.api.memory | quote }}
"""
FILES = chart() | {
    "envs/common.yaml": "api:\n  memory: 256Mi\n",
    "envs/staging.yaml": "api:\n  replicas: 1\n",
    "envs/prod.yaml": "api:\n  replicas: 4 # enough\n",
    "values/api.yaml.gotmpl": GOTMPL,
    "helmfile.yaml": f"{ENVIRONMENTS}---\n{MADE}",
}
SAID = ["envs/prod.yaml", "-  replicas: 4 # enough", "+  replicas: 7 # enough"]


def _with(name: str, text: str, **more: str) -> dict[str, str]:
    files = {path: content for path, content in FILES.items() if path != "helmfile.yaml"}
    return files | {name: text} | {key.replace("__", "/"): value for key, value in more.items()}


INLINE = RELEASE + "      - replicaCount: {{ .Values.api.replicas }}\n"
RIGHT: dict[str, Mapping[str, str]] = {
    "a template of values": FILES,
    "the deprecated field": FILES
    | {"values/api.yaml.gotmpl": GOTMPL.replace(".Values", ".Environment.Values")},
    "its other name": FILES | {"values/api.yaml.gotmpl": GOTMPL.replace(".Values", ".StateValues")},
    "a value that may be missing": FILES
    | {"values/api.yaml.gotmpl": 'replicaCount: {{ .Values | get "api.replicas" 2 }}\n'},
    "a mapping that is handed on": FILES
    | {
        "envs/prod.yaml": "api:\n  replicas: 4 # enough\n",
        "values/api.yaml.gotmpl": "replicaCount: {{ .Values.api.replicas }}\nextra:\n  {{- toYaml .Values.api | nindent 2 }}\n",
    },
    "a condition beside it": FILES
    | {
        "values/api.yaml.gotmpl": GOTMPL
        + '{{- if eq .Environment.Name "prod" }}\nlevel: warn\n{{- else }}\nlevel: debug\n{{- end }}\n'
    },
    "a variable of the template": FILES
    | {
        "values/api.yaml.gotmpl": "{{ $env := .Environment.Name }}\n{{- $api := .Values.api }}\n"
        + GOTMPL.replace(".Values.api.replicas", "$api.replicas")
        + '{{ if eq $env "prod" }}\nlevel: warn\n{{ end }}\n'
    },
    "a block on one of its values": FILES
    | {
        "values/api.yaml.gotmpl": "{{- with .Values.api }}\nreplicaCount: {{ .replicas }}\n"
        "level: {{ $.Environment.Name }}\n{{- else }}\nlevel: none\n{{- end }}\n"
    },
    "two helmfiles with the values of one environment": FILES
    | {
        "other.yaml": f"{ENVIRONMENTS}---\n{MADE.replace('api.yaml', 'web.yaml').replace('name: api', 'name: web')}",
        "helmfile.yaml": "helmfiles: [api.yaml, other.yaml]\n",
        "api.yaml": f"{ENVIRONMENTS}---\n{MADE}",
        "values/web.yaml.gotmpl": "replicaCount: 2\nresources: {limits: {memory: {{ .Values.api.memory }}}}\n",
    },
    "a variable of the shell beside it": FILES
    | {"values/api.yaml.gotmpl": GOTMPL + 'level: {{ env "LEVEL" | default "warn" }}\n'},
    "values in the helmfile": _with("helmfile.yaml.gotmpl", f"{ENVIRONMENTS}---\n{INLINE}"),
    "values in the helmfile, before version 1": _with(
        "helmfile.yaml", f"{ENVIRONMENTS}---\n{INLINE}"
    ),
    "one document": _with("helmfile.yaml", f"{ENVIRONMENTS}{MADE}"),
    "a command that names no values": FILES
    | {"deploy.sh": "helmfile -e $1 --file helmfile.yaml apply --skip-deps\n"},
    "a base": _with(
        "helmfile.yaml",
        f"bases:\n  - environments.yaml\n---\n{MADE}",
        **{"environments.yaml": ENVIRONMENTS},
    ),
    "a helmfile of another": _with(
        "helmfile.yaml",
        "environments: {staging: {}, prod: {}}\n---\nhelmfiles:\n  - apps/api.yaml\n",
        **{
            "apps/api.yaml": f"{ENVIRONMENTS}---\n{MADE}".replace("envs/", "../envs/")
            .replace("./charts", "../charts")
            .replace("- values/", "- ../values/")
        },
    ),
    "an anchor of a template": _with(
        "helmfile.yaml",
        f"{ENVIRONMENTS}---\ntemplates:\n  default: &default\n    namespace: shop\n    values:\n"
        "      - values/{{ .Release.Name }}.yaml.gotmpl\n"
        "releases:\n  - name: api\n    chart: ./charts/api\n    <<: *default\n",
    ),
    "a template that is inherited": _with(
        "helmfile.yaml",
        f"{ENVIRONMENTS}---\ntemplates:\n  default:\n    namespace: shop\n    values:\n"
        "      - values/{{ .Release.Name }}.yaml.gotmpl\n"
        "releases:\n  - name: api\n    chart: ./charts/api\n    inherit:\n      - template: default\n",
    ),
    "defaults of the file": _with(
        "helmfile.yaml",
        f"values: [{{api: {{replicas: 2, memory: 1Gi}}}}]\n{ENVIRONMENTS}---\n{MADE}",
    ),
    "a namespace of a value": FILES
    | {
        "envs/common.yaml": "api:\n  memory: 256Mi\nns: shop\n",
        "helmfile.yaml": f"{ENVIRONMENTS}---\n{MADE}".replace("shop", "'{{ .Values.ns }}'"),
    },
    "a release that is not installed there": _with(
        "helmfile.yaml.gotmpl",
        f"{ENVIRONMENTS}---\n{MADE}  - name: web\n    namespace: shop\n    chart: ./charts/api\n"
        "    installed: {{ eq .Environment.Name `staging` }}\n    values: [values/api.yaml.gotmpl]\n",
    ),
    "a release that a value leaves out": FILES
    | {
        "envs/common.yaml": "api:\n  memory: 256Mi\nweb:\n  enabled: false\n",
        "helmfile.yaml": f"{ENVIRONMENTS}---\n{MADE}  - name: web\n    namespace: shop\n    chart: ./charts/api\n"
        "    condition: web.enabled\n    values: [values/api.yaml.gotmpl]\n",
    },
}


@pytest.mark.parametrize("files", RIGHT.values(), ids=RIGHT)
def test_the_environments_own_value_changes(renderer: Programs, files: Mapping[str, str]) -> None:
    assert changed(files, renderer, REPLICAS, 7, env="prod") == SAID


def test_a_value_that_environments_share_goes_to_the_environments_own_file(
    renderer: Programs,
) -> None:
    assert changed(FILES, renderer, MEMORY, "777Mi", env="prod") == [
        "envs/prod.yaml",
        "+  memory: 777Mi",
    ]


def test_values_inside_of_the_environment_change_there(renderer: Programs) -> None:
    said = "environments:\n  staging:\n    values:\n      - api: {replicas: 1, memory: 1Gi}\n  prod:\n    values:\n      - api: {replicas: 4, memory: 1Gi} # enough\n"
    files = FILES | {"helmfile.yaml": f"{said}---\n{MADE}"}
    assert changed(files, renderer, REPLICAS, 7, env="prod") == [
        "helmfile.yaml",
        "-      - api: {replicas: 4, memory: 1Gi} # enough",
        "+      - api: {replicas: 7, memory: 1Gi} # enough",
    ]


def test_a_values_file_that_is_no_template_is_read_as_it_is(renderer: Programs) -> None:
    files = FILES | {
        "helmfile.yaml": f"{ENVIRONMENTS}---\n{MADE}      - envs/{{{{ .Environment.Name }}}}-api.yaml\n",
        "envs/prod-api.yaml": "replicaCount: 5\n",
        "envs/staging-api.yaml": "replicaCount: 2\n",
    }
    found = changed(files, renderer, REPLICAS, 7, env="prod")
    assert found == ["envs/prod-api.yaml", "-replicaCount: 5", "+replicaCount: 7"]


def test_an_environment_of_helmfile_is_the_release_and_the_bare_chart_is_none(
    renderer: Programs,
) -> None:
    files = chart() | {
        "helmfile.yaml": RELEASE + "      - values-prod.yaml\n",
        "values-prod.yaml": "replicaCount: 4\n",
    }
    found = changed(files, renderer, REPLICAS, 7, env="prod")
    assert found == ["values-prod.yaml", "-replicaCount: 4", "+replicaCount: 7"]


LOOSE: dict[str, Mapping[str, str]] = {
    "a value that two releases get": FILES
    | {
        "helmfile.yaml": f"{ENVIRONMENTS}---\n{MADE}  - name: web\n    namespace: shop\n    chart: ./charts/api\n"
        "    values: [values/api.yaml.gotmpl]\n"
    },
    "a value that a release of another helmfile gets": FILES
    | {"other.yaml": f"{ENVIRONMENTS}---\n{MADE.replace('name: api', 'name: web')}"}
    | {"helmfile.yaml": "helmfiles: [api.yaml, other.yaml]\n"}
    | {"api.yaml": f"{ENVIRONMENTS}---\n{MADE}"},
    "a value that a chart of another helmfile gets": FILES
    | {"other.yaml": f"{ENVIRONMENTS}---\n{MADE.replace('./charts/api', 'far/web')}"}
    | {"helmfile.yaml": "helmfiles: [api.yaml, other.yaml]\n"}
    | {"api.yaml": f"{ENVIRONMENTS}---\n{MADE}"},
    "a variable that is set anew": FILES
    | {"values/api.yaml.gotmpl": "{{ $a := .Values.api }}{{ $a = .Values.api }}\n" + GOTMPL},
    "a variable outside of its block": FILES
    | {
        "values/api.yaml.gotmpl": "{{ if true }}{{ $r := .Values.api.replicas }}{{ end }}\n"
        "replicaCount: {{ $r }}\n"
    },
    "a variable that the shell says": FILES
    | {"values/api.yaml.gotmpl": '{{ $r := env "R" | default 4 }}\nreplicaCount: {{ $r }}\n'},
    "a file of helmfile's own values that another release reads too": FILES
    | {
        "envs/prod.yaml": "replicaCount: 4\n",
        "envs/staging.yaml": "replicaCount: 1\n",
        "values/api.yaml.gotmpl": "replicaCount: {{ .Values.replicaCount }}\n",
        "helmfile.yaml": f"{ENVIRONMENTS}---\n{MADE}  - name: web\n    namespace: shop\n    chart: ./charts/api\n"
        "    values: ['envs/{{ .Environment.Name }}.yaml']\n",
    },
    "a namespace that the shell says": FILES
    | {
        "helmfile.yaml": f"{ENVIRONMENTS}---\n{MADE}".replace(
            "namespace: shop", "namespace: '{{ env `NS` | default `shop` }}'"
        )
    },
    "a file that the shell says": FILES
    | {
        "helmfile.yaml": f"{ENVIRONMENTS}---\n{MADE}      - 'x/{{{{ env `X` | default `y` }}}}.yaml'\n",
        "x/y.yaml": "{}\n",
    },
    "values on the command line": FILES
    | {"deploy.sh": "helmfile -e prod \\\n  --state-values-set api.replicas=9 apply\n"},
    "values of charts on the command line": FILES
    | {
        ".gitlab-ci.yml": "deploy:\n  script:\n    - helmfile -e prod apply --args '--set replicaCount=9'\n"
    },
    "less than all values": FILES
    | {
        "helmfile.yaml": f"values: [{{api: {{memory: 1Gi}}}}]\n{ENVIRONMENTS}---\n{MADE}",
        "values/api.yaml.gotmpl": GOTMPL.replace(".Values", ".Environment.Values"),
    },
    "a loop": FILES | {"values/api.yaml.gotmpl": GOTMPL + "{{ range .Values.x }}a{{ end }}\n"},
    "a program": FILES | {"values/api.yaml.gotmpl": GOTMPL + 'x: {{ exec "date" (list) }}\n'},
    "a sum": FILES
    | {"values/api.yaml.gotmpl": GOTMPL.replace("replicas }}", "replicas | add 1 }}")},
    "secrets of the environment": FILES
    | {
        "helmfile.yaml": f"{ENVIRONMENTS}    secrets: [envs/secret.yaml]\n---\n{MADE}",
    },
    "another strategy of merging": FILES
    | {"helmfile.yaml": f"{ENVIRONMENTS}    mergeStrategy: fallback\n---\n{MADE}"},
    "an empty value over one": FILES | {"envs/prod.yaml": "api:\n  replicas: 4\n  memory:\n"},
    "values that a helmfile hands on": _with(
        "helmfile.yaml",
        "environments: {staging: {}, prod: {}}\n---\nhelmfiles:\n  - path: apps/api.yaml\n    values: [{api: {replicas: 4}}]\n",
        **{
            "apps/api.yaml": f"{ENVIRONMENTS}---\n{MADE}".replace("envs/", "../envs/")
            .replace("./charts", "../charts")
            .replace("- values/", "- ../values/")
        },
    ),
    "a template that says the same": _with(
        "helmfile.yaml",
        f"{ENVIRONMENTS}---\ntemplates:\n  default:\n    namespace: other\n"
        + MADE.replace("    values", "    inherit: [{template: default}]\n    values"),
    ),
    "a word that two versions of YAML read apart": FILES
    | {"envs/prod.yaml": "api:\n  replicas: 4\n  on: yes\n"},
    "an environment's file that is missing": FILES
    | {"helmfile.yaml": f"{ENVIRONMENTS}---\n{MADE}".replace("prod.yaml", "none.yaml")},
    "a base that says an environment twice": FILES
    | {
        "helmfile.yaml": f"bases: [base.yaml]\n---\n{MADE}",
        "base.yaml": f"{ENVIRONMENTS}---\nenvironments:\n  prod: {{}}\n  staging: {{}}\n",
    },
    "a base that is missing": FILES
    | {"helmfile.yaml": f"bases: [none.yaml]\n{ENVIRONMENTS}---\n{MADE}"},
    "a variable of the shell in its place": FILES
    | {"values/api.yaml.gotmpl": 'replicaCount: {{ env "REPLICAS" | default 4 }}\n'},
}


@pytest.mark.parametrize("files", LOOSE.values(), ids=LOOSE)
def test_what_helmfile_makes_is_not_guessed(renderer: Programs, files: Mapping[str, str]) -> None:
    with pytest.raises(NotEditable):
        changed(files, renderer, REPLICAS, 7, env="prod")
