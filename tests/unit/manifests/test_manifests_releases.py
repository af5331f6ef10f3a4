"""Which releases a repository declares, and what could be behind a field: without any program to render with."""

from __future__ import annotations

import pytest

from manifests.helm.layers import Release, layer_for, merged
from manifests.helm.releases import Releases, read_releases
from manifests.helm.value_paths import candidates, laid
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository import kustomize
from manifests.repository.application_sets import generated
from manifests.repository.argocd import helm_sources, tracked
from manifests.repository.index import build
from manifests.text.readings import Readings
from schemas.base import ObjectRef
from schemas.plans import FieldChange
from tests.support import render as sample

REF = ObjectRef(kind="Deployment", namespace="shop", name="api")
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: api-prod, namespace: argocd}
spec:
  destination: {namespace: shop}
  source:
    path: ./charts/api/
    helm:
      valueFiles: [values-prod.yaml, ../common.yaml, /env/prod.yaml]
      values: "a: 1"
      valuesObject: {b: 2}
      parameters:
      - {name: replicaCount, value: "3"}
      - {name: image.tag, value: "1.10", forceString: true}
      - {name: "list[0]", value: x}
"""


def releases(files: dict[str, str]) -> Releases:
    index = build(files)
    with BuiltIn().open(index.files) as bench:
        return read_releases(index, kustomize.read_graph(index), bench)


def only(files: dict[str, str]) -> Release:
    (found,) = releases(files).found
    return found


def test_a_chart_that_nothing_installs_has_a_release_for_each_values_file() -> None:
    files = sample.chart(values_prod="a: 1\n") | {
        "charts/api/env/staging/values.yaml": "a: 2\n",
        "charts/api/ci/values-test.yaml": "a: 3\n",
        "charts/api/charts/sub/Chart.yaml": "name: sub\n",
        "charts/api/charts/sub/values.yaml": "b: 1\n",
    }
    assert [r.said_by for r in releases(files).found] == [
        "charts/api/env/staging/values.yaml",
        "charts/api/values-prod.yaml",
        "charts/api/values.yaml",
    ]


def test_an_application_gives_its_values_in_argo_cds_order() -> None:
    files = sample.chart(values_prod="x: 1\n") | {
        "charts/common.yaml": "x: 2\n",
        "env/prod.yaml": "x: 3\n",
        "apps/api.yaml": APPLICATION,
    }
    release = only(files)
    assert (release.chart, release.name, release.namespace) == ("charts/api", "api-prod", "shop")
    assert [layer.path for layer in release.layers[:4]] == [
        "charts/api/values.yaml",
        "charts/api/values-prod.yaml",
        "charts/common.yaml",
        "env/prod.yaml",
    ]
    values = merged(release.layers)
    assert (values["x"], values["b"], values.get("a")) == (3, 2, None)
    assert (values["replicaCount"], values["image"]["tag"]) == (3, "1.10")
    assert release.layers[-1].sealed is not None


def test_a_missing_values_file_leaves_the_release_unknown_unless_argo_passes_it_over() -> None:
    files = sample.chart() | {"apps/api.yaml": APPLICATION}
    assert "values-prod.yaml" in only(files).trouble
    lenient = APPLICATION.replace("    helm:\n", "    helm:\n      ignoreMissingValueFiles: true\n")
    assert only(files | {"apps/api.yaml": lenient}).trouble == ""


def test_a_helm_release_is_read_from_the_overlay_that_patches_it() -> None:
    release = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
        "metadata: {name: api, namespace: flux}\nspec:\n  targetNamespace: shop\n"
        "  chart: {spec: {chart: ./charts/api, sourceRef: {kind: GitRepository, name: x}}}\n"
        "  valuesFrom: [{kind: ConfigMap, name: more}]\n  values: {replicaCount: 3}\n"
    )
    files = sample.chart() | {
        "apps/release.yaml": release,
        "apps/more.yaml": "probe: {periodSeconds: 3}\n",
        "apps/kustomization.yaml": (
            "resources: [release.yaml]\npatches:\n- target: {kind: HelmRelease}\n"
            "  patch: |\n    kind: HelmRelease\n    metadata: {name: any}\n    spec: {values: {replicaCount: 5}}\n"
        ),
    }
    found = only(files)
    assert (found.name, found.namespace, found.owner) == (
        "shop-api",
        "shop",
        ObjectRef(
            api_version="helm.toolkit.fluxcd.io/v2",
            kind="HelmRelease",
            namespace="flux",
            name="api",
        ),
    )
    assert merged(found.layers)["replicaCount"] == 5
    assert "ConfigMap more" in found.trouble
    with_map = files["apps/kustomization.yaml"] + (
        "configMapGenerator: [{name: more, files: [values.yaml=more.yaml]}]\n"
    )
    # The built-in renderer knows no generators, so the overlay stays unknown rather than half read.
    assert releases(files | {"apps/kustomization.yaml": with_map}).troubles


def test_a_bomb_among_the_values_seals_them() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"b{n}: &b{n} [{', '.join([f'*b{n - 1}' if n else '*a'] * 9)}]\n" for n in range(8)
    )
    for release in releases(sample.chart(values_prod=bomb)).found:
        sealed = [layer.closed for layer in release.layers if "prod" in layer.path]
        assert all(refusal is not None and refusal.code == "TOO_BIG" for refusal in sealed)


@pytest.mark.parametrize("text", ["{", "- a\n- b\n", "a: {{ .Values }}\n", "", "\x00"])
def test_values_of_any_shape_break_nothing(text: str) -> None:
    assert releases(sample.chart(values_prod=text)).found


def test_an_application_set_makes_applications_of_lists_and_folders() -> None:
    template = (
        "template: {metadata: {name: 'api-{{name}}'}, spec: {source: {path: 'env/{{ .name }}'}}}"
    )
    listed = f"kind: ApplicationSet\nspec:\n  generators: [{{list: {{elements: [{{name: eu}}, {{name: us}}]}}}}]\n  {template}\n"
    import yaml

    made = list(generated(yaml.safe_load(listed), {}, Readings()))
    assert [item["metadata"]["name"] for item in made] == ["api-eu", "api-us"]
    assert made[0]["spec"]["source"]["path"] == "env/eu"
    folders = (
        "kind: ApplicationSet\nspec:\n  generators:\n  - git: {directories: [{path: env/*}, {path: env/old, exclude: true}]}\n"
        "  template: {metadata: {name: '{{path.basename}}'}, spec: {source: {path: '{{path}}', helm: {}}}}\n"
    )
    files = {f"env/{name}/x.yaml": "" for name in ("eu", "old", "us/deep")}
    made = list(generated(yaml.safe_load(folders), files, Readings()))
    assert [item["metadata"]["name"] for item in made] == ["eu", "us"]
    assert [source.folder for item in made for source in helm_sources(item)] == ["env/eu", "env/us"]


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        ("api:apps/Deployment:shop/api", "api"),
        ("argocd_api:apps/Deployment:shop/api", "api"),
        (":Service:shop/", ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_a_tracking_id_names_its_application(annotation: str, name: str) -> None:
    assert tracked(annotation) == name


VALUES = {
    "api": {"memory": "128Mi", "image": {"repository": "r/api", "tag": "1.0"}, "resources": {}},
    "other": {"memory": "128Mi"},
    "workers": [{"name": "w", "memory": "128Mi"}],
}
ITEM = {
    "spec": {
        "containers": [
            {"name": "api", "image": "r/api:1.0", "resources": {"limits": {"memory": "128Mi"}}}
        ]
    }
}
AT = "spec.containers[name=api]."


@pytest.mark.parametrize(
    ("field", "path", "value"),
    [
        (
            FieldChange(path=AT + "resources.limits.memory", before="128Mi", after="1Gi"),
            ("api", "memory"),
            "1Gi",
        ),
        (
            FieldChange(path=AT + "image", before="r/api:1.0", after="r/api:1.1"),
            ("api", "image", "tag"),
            "1.1",
        ),
        (
            FieldChange(op="add", path=AT + "resources.requests.cpu", after="1"),
            ("api", "resources", "requests", "cpu"),
            "1",
        ),
    ],
)
def test_the_likeliest_value_comes_first_and_nothing_that_could_not_be(
    field: FieldChange, path: tuple[str, ...], value: str
) -> None:
    found = candidates(VALUES, ITEM, field, REF)
    assert found[0] == (path, value)
    assert all(p[-1] != "name" for p, _ in found)


def test_a_list_on_the_way_is_laid_over_as_a_whole() -> None:
    assert laid(VALUES, ("workers", 0, "memory"), "1Gi") == {
        "workers": [{"name": "w", "memory": "1Gi"}]
    }


def test_the_layer_to_edit_is_the_last_own_one_that_sets_the_value() -> None:
    files = sample.chart(values_prod="replicaCount: 4\n", values_staging="{}\n")
    found = releases(files)
    prod = next(r for r in found.found if "prod" in r.said_by)
    siblings = found.of("charts/api")
    assert layer_for(prod, siblings, ("replicaCount",)).path == "charts/api/values-prod.yaml"
    assert layer_for(prod, siblings, ("image", "tag")).path == "charts/api/values-prod.yaml"
    assert layer_for(prod, [prod], ("image", "tag")).path == "charts/api/values.yaml"
