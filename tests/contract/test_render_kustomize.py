"""The real kustomize: the built-in renderer agrees with it, and Flux's and Argo CD's values are proven through it."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.refused import EditRefused
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.rendering import KustomizeBuild, NotRendered, Renderer, compare
from schemas.base import ObjectRef
from schemas.plans import FieldChange
from tests.support.render import (
    API,
    APP,
    MEMORY,
    Repo,
    accepted,
    chart,
    either,
    lines_of,
    proposed,
    raise_to,
    renderer,
)

MORE = raise_to(MEMORY, "128Mi", "256Mi")
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: app
        image: registry.example.com/api:1.0
        args: [--a, --b]
        env:
        - {name: LEVEL, value: info}
        - {name: GONE, value: "1"}
        ports:
        - containerPort: 80
        resources:
          limits: {cpu: 500m, memory: 128Mi}
      - name: proxy
        image: registry.example.com/proxy@sha256:0000000000000000000000000000000000000000000000000000000000000000
      volumes:
      - name: data
        emptyDir: {}
"""
STRATEGIC = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 5
  template:
    spec:
      containers:
      - name: app
        args: [--c]
        env:
        - {name: LEVEL, value: debug}
        - {name: NEW, value: "2"}
        ports:
        - containerPort: 81
        resources:
          limits: {cpu: null, memory: 256Mi}
      - name: extra
        image: registry.example.com/extra:1
"""
OVERLAYS = {
    "nothing": "",
    "namespace": "namespace: shop\n",
    "patch file": "patches: [{path: patch.yaml}]\n",
    "old patch list": "patchesStrategicMerge: [patch.yaml]\n",
    "targeted patch": "patches: [{path: patch.yaml, target: {kind: Deployment, name: a.*}}]\n",
    "json patch": (
        "patches:\n- target: {kind: Deployment}\n  patch: |-\n"
        "    - {op: replace, path: /spec/replicas, value: 7}\n"
        "    - {op: add, path: /spec/template/spec/containers/0/args/-, value: --z}\n"
        "    - {op: remove, path: /spec/template/spec/containers/0/env/1}\n"
    ),
    "images": "images: [{name: registry.example.com/api, newName: mirror/api, newTag: '2.0'}]\n",
    "digest": "images: [{name: registry.example.com/proxy, digest: 'sha256:" + "1" * 64 + "'}]\n",
    "replicas": "replicas: [{name: api, count: 9}]\n",
    "component": "components: [../parts]\n",
    "all": "namespace: shop\npatches: [{path: patch.yaml}]\nreplicas: [{name: api, count: 9}]\n"
    "images: [{name: registry.example.com/api, newTag: '3'}]\ncomponents: [../parts]\n",
}


def repository(overlay: str) -> Repo:
    return {
        "base/api.yaml": DEPLOYMENT,
        "base/kustomization.yaml": "resources: [api.yaml]\n",
        "parts/kustomization.yaml": (
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
            "patches: [{path: more.yaml}]\n"
        ),
        "parts/more.yaml": STRATEGIC.replace("replicas: 5", "minReadySeconds: 3"),
        "prod/kustomization.yaml": f"resources: [../base]\n{overlay}",
        "prod/patch.yaml": STRATEGIC,
    }


@pytest.mark.render
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_built_in_renderer_says_what_kustomize_says(renderer: Programs, overlay: str) -> None:
    files, recipe = repository(OVERLAYS[overlay]), KustomizeBuild("prod")
    with renderer.open(files) as real, BuiltIn().open(files) as built_in:
        assert compare(real.render(recipe), built_in.render(recipe)) == []


def test_a_new_patch_of_one_overlay_is_proven_by_kustomize(either: Renderer) -> None:
    files = repository("") | {"staging/kustomization.yaml": "resources: [../base]\n"}
    proxy = raise_to(
        "spec.template.spec.containers[name=proxy].image",
        "registry.example.com/proxy@sha256:" + "0" * 64,
        "registry.example.com/proxy@sha256:" + "1" * 64,
    )
    assert accepted(proposed(files, either, proxy)).proof.verdict == "pass"
    done = accepted(proposed(files, either, MORE))
    assert done.proof.verdict == "pass", done.proof
    assert sorted(e.path for e in done.edits) == [
        "prod/api-deployment-patch.yaml",
        "prod/kustomization.yaml",
    ]
    assert done.proof.numbers["unchanged"] == "staging"


def test_a_remote_base_is_refused_before_kustomize_could_fetch_it(either: Renderer) -> None:
    files = {"app/kustomization.yaml": "resources: ['http://127.0.0.1:1/x.yaml']\n"}
    with either.open(files) as bench, pytest.raises(NotRendered, match="elsewhere"):
        bench.render(KustomizeBuild("app"))


def test_changed_files_are_put_back_after_a_rendering(either: Renderer) -> None:
    files, recipe = repository(""), KustomizeBuild("prod")
    with either.open(files) as bench:
        before = bench.render(recipe)
        changed = {
            "base/api.yaml": DEPLOYMENT.replace("replicas: 2", "replicas: 3"),
            "new.yaml": "a: 1\n",
        }
        assert compare(before, bench.render(recipe, changed)) != []
        third = {"base/api.yaml": DEPLOYMENT.replace("info", "debug")}
        assert [d.key for d in compare(before, bench.render(recipe, third))] == [
            ("Deployment", "", "api")
        ]
        assert compare(before, bench.render(recipe)) == []


FLUX_RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: api
  namespace: shop
spec:
  interval: 5m
  chart:
    spec:
      chart: {chart}
      sourceRef: {{kind: {source}, name: flux-system, namespace: flux-system}}
  values:
    replicaCount: 3
"""
BY_FLUX = {
    "helm.toolkit.fluxcd.io/name": "api",
    "helm.toolkit.fluxcd.io/namespace": "shop",
    "meta.helm.sh/release-name": "api",
}


def flux(chart_path: str = "./charts/api", source: str = "GitRepository") -> Repo:
    """A HelmRelease of a base with an overlay for each environment."""
    return {
        "apps/base/release.yaml": FLUX_RELEASE.format(chart=chart_path, source=source),
        "apps/base/kustomization.yaml": "resources: [release.yaml]\n",
        "apps/production/kustomization.yaml": (
            "resources: [../base]\npatches: [{path: values.yaml, target: {kind: HelmRelease}}]\n"
        ),
        "apps/production/values.yaml": (
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
            "metadata:\n  name: api\n  namespace: shop\nspec:\n  values:\n    replicaCount: 4\n"
        ),
        "apps/staging/kustomization.yaml": "resources: [../base]\n",
    }


def test_values_of_a_helm_release_are_changed_in_its_environments_patch(either: Renderer) -> None:
    files = chart() | flux()
    found = proposed(files, either, raise_to("spec.replicas", 4, 6), live=BY_FLUX)
    assert lines_of(found) == {
        "apps/production/values.yaml": ["-    replicaCount: 4", "+    replicaCount: 6"]
    }
    proof = accepted(found).proof
    assert proof.objects[API.key]["spec"]["replicas"] == 6
    assert "apps/staging" in proof.numbers["unchanged"]


def test_a_value_that_only_the_chart_sets_goes_into_the_releases_patch(either: Renderer) -> None:
    found = proposed(chart() | flux(), either, MORE, live=BY_FLUX)
    assert list(lines_of(found)) == ["apps/production/values.yaml"]
    assert "memory: 256Mi" in accepted(found).edits[0].after


def test_a_chart_kept_elsewhere_is_changed_only_where_the_key_is_and_stays_unproven(
    either: Renderer,
) -> None:
    files = flux("api", "HelmRepository")
    done = accepted(proposed(files, either, raise_to("spec.replicas", 4, 6), live=BY_FLUX))
    assert [e.path for e in done.edits] == ["apps/production/values.yaml"]
    assert done.proof.verdict == "unknown"
    assert "kept elsewhere" in done.proof.reason
    missing = proposed(files, either, MORE, live=BY_FLUX)
    assert isinstance(missing, EditRefused)
    assert missing.code == "NOT_RENDERED"


def test_values_from_a_secret_are_never_edited(either: Renderer) -> None:
    files = chart() | flux()
    files["apps/base/release.yaml"] += "  valuesFrom: [{kind: Secret, name: hidden}]\n"
    found = proposed(files, either, raise_to("spec.replicas", 4, 6), live=BY_FLUX)
    assert isinstance(found, EditRefused)
    assert found.code == "NOT_RENDERED"


@pytest.mark.render
@pytest.mark.parametrize("hashed", [True, False])
def test_values_in_a_generated_config_map_are_changed_in_their_file(
    renderer: Programs, hashed: bool
) -> None:
    files = chart() | {
        "apps/release.yaml": FLUX_RELEASE.format(
            chart="./charts/api", source="GitRepository"
        ).replace(
            "  values:\n    replicaCount: 3\n",
            "  valuesFrom: [{kind: ConfigMap, name: api-values}]\n",
        ),
        "apps/api.yaml": "replicaCount: 5\n",
        "apps/names.yaml": (
            "nameReference:\n- kind: ConfigMap\n  fieldSpecs:\n"
            "  - {path: spec/valuesFrom/name, kind: HelmRelease}\n"
        ),
        "apps/kustomization.yaml": (
            "namespace: shop\nresources: [release.yaml]\nconfigurations: [names.yaml]\n"
            "configMapGenerator: [{name: api-values, files: [values.yaml=api.yaml]}]\n"
            f"generatorOptions: {{disableNameSuffixHash: {str(not hashed).lower()}}}\n"
        ),
    }
    found = proposed(files, renderer, raise_to("spec.replicas", 5, 6), live=BY_FLUX)
    assert lines_of(found) == {"apps/api.yaml": ["-replicaCount: 5", "+replicaCount: 6"]}


def application(name: str, helm: str, **more: str) -> str:
    source = f"    repoURL: https://gitlab.example.com/shop/deploy.git\n    path: charts/api\n    helm:\n{helm}"
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n"
        f"  namespace: argocd\nspec:\n  destination:\n    namespace: shop\n  source:\n{source}"
    )


def tracked(name: str) -> dict[str, str]:
    return {"argocd.argoproj.io/tracking-id": f"{name}:apps/Deployment:shop/api"}


def argo() -> Repo:
    """Two Applications of one chart: files in order, an object of values, parameters."""
    common = "      releaseName: api\n      valueFiles:\n      - values-common.yaml\n"
    return chart(values_common="shared:\n  level: warn\n", values_prod="replicaCount: 4\n") | {
        "apps/prod.yaml": application(
            "api-prod",
            common
            + "      - values-prod.yaml\n      parameters:\n      - name: worker.memory\n        value: 64Mi\n",
        ),
        "apps/staging.yaml": application(
            "api-staging",
            common + "      valuesObject:\n        replicaCount: 1\n",
        ),
    }


def test_the_last_values_file_of_an_application_that_sets_the_key_is_changed(
    either: Renderer,
) -> None:
    found = proposed(argo(), either, raise_to("spec.replicas", 4, 6), live=tracked("api-prod"))
    assert lines_of(found) == {
        "charts/api/values-prod.yaml": ["-replicaCount: 4", "+replicaCount: 6"]
    }


def test_an_object_of_values_is_changed_in_the_application(either: Renderer) -> None:
    found = proposed(
        argo(),
        either,
        raise_to("spec.replicas", 1, 2),
        live=tracked("api-staging"),
        env="staging",
    )
    assert lines_of(found) == {
        "apps/staging.yaml": ["-        replicaCount: 1", "+        replicaCount: 2"]
    }


def test_a_parameter_is_changed_in_the_application(either: Renderer) -> None:
    worker = ObjectRef(kind="Deployment", namespace="shop", name="api-worker")
    field = "spec.template.spec.containers[name=worker].resources.limits.memory"
    found = proposed(argo(), either, raise_to(field, "64Mi", "96Mi"), ref=worker)
    assert lines_of(found) == {"apps/prod.yaml": ["-        value: 64Mi", "+        value: 96Mi"]}


def test_a_file_that_two_applications_share_is_not_changed_for_one(either: Renderer) -> None:
    level = raise_to(APP + "env[name=LEVEL].value", "warn", "debug")
    found = proposed(argo(), either, level, live=tracked("api-prod"))
    assert isinstance(found, EditRefused)
    assert found.code == "VALUE_FANOUT"
    memory = lines_of(proposed(argo(), either, MORE, live=tracked("api-prod")))
    assert list(memory) == ["charts/api/values-prod.yaml"]


def test_values_from_another_source_of_the_application_are_found(either: Renderer) -> None:
    several = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api, namespace: argocd}\n"
        "spec:\n  destination: {namespace: shop}\n  sources:\n"
        "  - {repoURL: https://gitlab.example.com/shop/deploy.git, ref: here}\n"
        "  - repoURL: https://gitlab.example.com/shop/deploy.git\n    path: charts/api\n"
        "    helm: {valueFiles: [$here/env/prod/api.yaml]}\n"
    )
    files = chart() | {"apps/api.yaml": several, "env/prod/api.yaml": "replicaCount: 7\n"}
    found = proposed(files, either, raise_to("spec.replicas", 7, 8), live=tracked("api"))
    assert lines_of(found) == {"env/prod/api.yaml": ["-replicaCount: 7", "+replicaCount: 8"]}


def test_values_written_as_a_text_inside_an_application_change_in_their_line(
    either: Renderer,
) -> None:
    files = chart() | {
        "apps/api.yaml": application("api", "      values: |\n        replicaCount: 5\n")
    }
    found = proposed(files, either, raise_to("spec.replicas", 5, 6), live=tracked("api"))
    assert lines_of(found) == {
        "apps/api.yaml": ["-        replicaCount: 5", "+        replicaCount: 6"]
    }


def test_an_application_that_an_image_updater_overrides_is_left_alone(either: Renderer) -> None:
    files = argo() | {"charts/api/.argocd-source-api-prod.yaml": "helm: {parameters: []}\n"}
    found = proposed(files, either, raise_to("spec.replicas", 4, 6), live=tracked("api-prod"))
    assert isinstance(found, EditRefused)
    assert found.code == "NOT_RENDERED"


def test_what_is_added_to_a_mapping_of_an_application_is_proven(either: Renderer) -> None:
    add = FieldChange(op="add", path=APP + "resources.requests", after={"cpu": "100m"})
    found = proposed(argo(), either, add, live=tracked("api-staging"), env="staging")
    lines = lines_of(found)
    assert list(lines) == ["apps/staging.yaml"]
    assert any("cpu: 100m" in line for line in lines["apps/staging.yaml"])


def test_values_in_this_repository_of_a_chart_from_elsewhere_stay_unproven(
    either: Renderer,
) -> None:
    several = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api, namespace: argocd}\n"
        "spec:\n  destination: {namespace: shop}\n  sources:\n"
        "  - {repoURL: https://gitlab.example.com/shop/deploy.git, ref: here}\n"
        "  - {repoURL: https://charts.example.com, chart: api, targetRevision: 1.0.0,\n"
        "     helm: {valueFiles: [$here/env/prod/api.yaml]}}\n"
    )
    files = {"apps/api.yaml": several, "env/prod/api.yaml": "replicaCount: 7\n"}
    done = accepted(proposed(files, either, raise_to("spec.replicas", 7, 8), live=tracked("api")))
    assert [edit.path for edit in done.edits] == ["env/prod/api.yaml"]
    assert done.proof.verdict == "unknown"
    wrong = proposed(files, either, raise_to("spec.replicas", 6, 8), live=tracked("api"))
    assert isinstance(wrong, EditRefused)
