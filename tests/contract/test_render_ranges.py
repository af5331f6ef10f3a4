"""New entries of what a template goes over, and the order that their rendering gives them, with the real programs."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.refused import NotEditable
from tests.contract.test_render_values import changed
from tests.support.render import renderer
from tools.repositories import parts

pytestmark = pytest.mark.render
VALUES = "charts/api/values-prod.yaml"
NEW = "spec.template.spec.containers[name=api].env[name=A].value"
KEYED = """\
          env:
            {{- range $name, $value := .Values.env }}
            - name: {{ $name | replace "." "_" | upper }}
              value: {{ $value | quote }}
            {{- end }}
"""
LISTED = """\
          env:
            {{- range .Values.env }}
            - name: {{ .name }}
              value: {{ .value | quote }}
            {{- end }}
"""


def charted(env: str, values: str, own: str = "") -> dict[str, str]:
    """One chart that two Applications install, each with values of its own."""
    files = parts.chart("charts/api")
    path = "charts/api/templates/deployment.yaml"
    files[path] = files[path].replace("          resources:", f"{env}          resources:")
    files["charts/api/values.yaml"] += values
    for name in ("dev", "prod"):
        files[f"charts/api/values-{name}.yaml"] = f"replicaCount: 3\n{own}"
        helm = f"    helm:\n      releaseName: api\n      valueFiles: [values.yaml, values-{name}.yaml]\n"
        where = "shop" if name == "prod" else f"shop-{name}"
        text = parts.application(f"api-{name}", name, "charts/api", where, helm)
        files[f"argocd/{name}.yaml"] = text
    return files


@pytest.mark.parametrize(
    ("env", "values", "own", "lines"),
    [
        (KEYED, "env: {B: two, C: three}\n", "", ["+env:", "+  A: x"]),
        (KEYED, "env: {B: two}\n", "env:\n  D: 'true'\n", ["+  A: x"]),
        (KEYED, "env: {b: two, c: 3}\n", "", ["+env:", "+  a: x"]),
        (KEYED, "env: {B: two, E: $$(A)}\n", "", ["+env:", "+  A: x"]),
        (
            LISTED,
            "env: [{name: B, value: two}]\n",
            "",
            ["+env:", "+  - name: B", "+    value: two", "+  - name: A", "+    value: x"],
        ),
    ],
    ids=["mapping", "own mapping", "small keys", "no reference", "list"],
)
def test_a_new_variable_goes_where_the_template_ranges_over(
    renderer: Programs, env: str, values: str, own: str, lines: list[str]
) -> None:
    files = charted(env, values, own)
    assert changed(files, renderer, NEW, "x", env="prod") == [VALUES, *lines]


def test_a_value_of_an_item_in_a_list_of_the_defaults_brings_the_whole_list(
    renderer: Programs,
) -> None:
    files = charted(LISTED, "env: [{name: B, value: two}, {name: A, value: one}]\n")
    assert changed(files, renderer, NEW, "x", env="prod") == [
        VALUES, "+env:", "+  - name: B", "+    value: two", "+  - name: A", "+    value: x",
    ]  # fmt: skip


def test_a_new_variable_that_another_ones_value_is_filled_with_is_refused(
    renderer: Programs,
) -> None:
    with pytest.raises(NotEditable) as refused:
        changed(charted(KEYED, "env: {E: $(A)-x}\n"), renderer, NEW, "x", env="prod")
    assert refused.value.code == "VALUE_FANOUT"


def test_a_new_entry_of_a_config_map_goes_where_the_template_ranges_over(
    renderer: Programs,
) -> None:
    files = charted("", "config: {b: two}\n") | {
        "charts/api/templates/settings.yaml": "apiVersion: v1\nkind: ConfigMap\n"
        "metadata: {name: settings}\ndata:\n  {{- range $k, $v := .Values.config }}\n"
        "  {{ $k }}: {{ $v | quote }}\n  {{- end }}\n"
    }
    assert changed(files, renderer, "data.a", "x", env="prod", ref="ConfigMap/shop/settings") == [
        VALUES,
        "+config:",
        "+  a: x",
    ]


_HEAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n"
_ENV = "      containers:\n      - name: api\n        env:\n"


def _variable(name: str, value: str) -> str:
    return f"        - name: {name}\n          value: {value}\n"


def overlaid(base: str, patch: str) -> dict[str, str]:
    """An overlay's own patch of variables over a base."""
    head = f"{_HEAD}  selector: {{matchLabels: {{app: api}}}}\n  template:\n    metadata: {{labels: {{app: api}}}}\n    spec:\n"
    files = {
        "base/kustomization.yaml": parts.kustomization("api.yaml"),
        "base/api.yaml": f"{head}{_ENV}{base}        image: x:1\n",
    }
    for env in ("prod", "staging"):
        more = "namespace: shop\npatches:\n- path: env.yaml\n"
        files[f"envs/{env}/kustomization.yaml"] = parts.kustomization("../../base", more=more)
        files[f"envs/{env}/env.yaml"] = f"{_HEAD}  template:\n    spec:\n{_ENV}{patch}"
    return files


def test_a_new_variable_of_a_patch_may_come_before_those_of_the_base(renderer: Programs) -> None:
    base = _variable("B", "two") + _variable("C", "three")
    files = overlaid(base, _variable("C", "four"))
    assert changed(files, renderer, NEW, "x", env="prod") == [
        "envs/prod/env.yaml",
        "+        - name: A",
        "+          value: x",
    ]


@pytest.mark.parametrize(
    ("base", "value", "named"),
    [
        (_variable("B", "two"), "$(B)-x", "env[name=A]"),
        (_variable("B", "$(A)"), "x", "env[name=B]"),
    ],
    ids=["refers", "is referred to"],
)
def test_an_order_in_which_variables_are_filled_in_otherwise_is_refused_with_their_name(
    renderer: Programs, base: str, value: str, named: str
) -> None:
    with pytest.raises(NotEditable) as refused:
        changed(overlaid(base, _variable("C", "four")), renderer, NEW, value, env="prod")
    assert f"filled into spec.template.spec.containers[name=api].{named}" in str(refused.value)


def test_an_order_that_means_something_is_refused_with_its_list(renderer: Programs) -> None:
    """The first port of a Service is the one of its variables."""

    def service(port: int) -> str:
        head = "apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec:\n  ports:\n"
        return f"{head}  - name: p{port}\n    port: {port}\n"

    files = {
        "base/kustomization.yaml": parts.kustomization("api.yaml"),
        "base/api.yaml": service(80),
    }
    for env in ("prod", "staging"):
        more = "namespace: shop\npatches:\n- path: ports.yaml\n"
        files[f"envs/{env}/kustomization.yaml"] = parts.kustomization("../../base", more=more)
        files[f"envs/{env}/ports.yaml"] = service(9000)
    path, value = "spec.ports[port=7000]", {"name": "p7000"}
    with pytest.raises(NotEditable) as refused:
        changed(files, renderer, path, value, env="prod", ref="Service/shop/api")
    assert str(refused.value).endswith("Service/shop/api has another order in spec.ports")
