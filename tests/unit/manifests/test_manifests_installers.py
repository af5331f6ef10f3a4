"""The map of installers: who renders a file, and where that deploys to, told from the repository alone."""

from __future__ import annotations

import pytest

from manifests.repository.index import build
from manifests.repository.installers import destinations, read_map
from manifests.repository.installers.settings import from_flux

DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 2, template: {spec: "
    "{containers: [{name: app, image: 'a:1'}]}}}\n"
)
BUILD = "resources: [api.yaml]\n"
CHART = {
    "charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n",
    "charts/api/values.yaml": "replicaCount: 2\n",
    "charts/api/templates/d.yaml": DEPLOYMENT.replace("2,", "{{ .Values.replicaCount }},"),
}


def application(env: str, path: str, more: str = "") -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
        f"metadata: {{name: api-{env}, namespace: argocd}}\nspec:\n"
        f"  destination: {{name: cluster-{env}, namespace: shop}}\n"
        f"  source:\n    repoURL: https://git.example/deploy.git\n    path: {path}\n{more}"
    )


def flux(env: str, path: str, more: str = "") -> str:
    return (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        f"metadata: {{name: apps, namespace: flux-system}}\nspec:\n  path: {path}\n{more}"
    )


SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: api}
spec:
  generators: [{GENERATOR}]
  template:
    metadata: {name: 'api-{{env}}'}
    spec:
      destination: {namespace: 'shop-{{env}}'}
      source: {repoURL: https://git.example/deploy.git, path: 'PATH'}
"""
FLEET = """\
namespace: shop
targetCustomizations:
- {name: dev, kustomize: {dir: overlays/dev}}
- {name: prod, kustomize: {dir: overlays/prod}}
"""
HELMFILE = """\
environments: {prod: {}, dev: {}}
---
releases:
- name: api
  namespace: shop
  chart: ./charts/api
  values: [values.yaml, 'values-{{ .Environment.Name }}.yaml']
"""


@pytest.mark.parametrize(
    ("files", "path", "environments"),
    [
        (
            {
                "argocd/dev.yaml": application("dev", "apps/api"),
                "argocd/prod.yaml": application("prod", "apps/api"),
                "apps/api/kustomization.yaml": BUILD,
                "apps/api/api.yaml": DEPLOYMENT,
            },
            "apps/api/api.yaml",
            {("development",), ("production",)},
        ),
        (
            {"argocd/prod.yaml": application("prod", "k8s/api"), "k8s/api/api.yaml": DEPLOYMENT},
            "k8s/api/api.yaml",
            {("production",)},
        ),
        (
            {
                "argocd/prod.yaml": application("prod", "k8s", "    directory: {recurse: true}\n"),
                "k8s/api/api.yaml": DEPLOYMENT,
            },
            "k8s/api/api.yaml",
            {("production",)},
        ),
        (
            {
                "set.yaml": SET.replace(
                    "GENERATOR", "list: {elements: [{env: dev}, {env: prod}]}"
                ).replace("PATH", "apps/api"),
                "apps/api/api.yaml": DEPLOYMENT,
            },
            "apps/api/api.yaml",
            {("development",), ("production",)},
        ),
        (
            {
                "set.yaml": SET.replace("GENERATOR", "clusters: {}").replace(
                    "PATH", "apps/{{name}}"
                ),
                "apps/eu/api.yaml": DEPLOYMENT,
            },
            "apps/eu/api.yaml",
            {()},
        ),
        (
            {
                "clusters/dev/apps.yaml": flux("dev", "./apps"),
                "clusters/production/apps.yaml": flux("production", "./apps"),
                "apps/api/api.yaml": DEPLOYMENT,
            },
            "apps/api/api.yaml",
            {("development",), ("production",)},
        ),
        (
            {
                "clusters/production/apps.yaml": flux("production", "./production"),
                "apps/production/kustomization.yaml": "resources: [../base]\n",
                "apps/base/kustomization.yaml": BUILD,
                "apps/base/api.yaml": DEPLOYMENT,
            },
            "apps/base/api.yaml",
            {("production",)},
        ),
        (
            {
                "kustomize/fleet.yaml": FLEET,
                "kustomize/overlays/dev/kustomization.yaml": "resources: [../../base]\n",
                "kustomize/overlays/prod/kustomization.yaml": "resources: [../../base]\n",
                "kustomize/base/kustomization.yaml": BUILD,
                "kustomize/base/api.yaml": DEPLOYMENT,
            },
            "kustomize/base/api.yaml",
            {("development",), ("production",)},
        ),
        (
            CHART
            | {
                "helmfile.yaml": HELMFILE,
                "values.yaml": "{}\n",
                "values-prod.yaml": "replicaCount: 4\n",
            },
            "values-prod.yaml",
            {("production",)},
        ),
        (
            CHART
            | {
                ".gitlab-ci.yml": "deploy:\n  script:\n  - helm upgrade -i api charts/api -n shop "
                "-f values.yaml -f values-prod.yaml\n",
                "values.yaml": "{}\n",
                "values-prod.yaml": "replicaCount: 4\n",
            },
            "values-prod.yaml",
            {("production",)},
        ),
        (
            {"deploy-prod.sh": "kubectl apply -n shop -f k8s/\n", "k8s/api.yaml": DEPLOYMENT},
            "k8s/api.yaml",
            {("production",)},
        ),
        ({"envs/staging/api.yaml": DEPLOYMENT}, "envs/staging/api.yaml", {("staging",)}),
        ({"k8s/api.yaml": DEPLOYMENT}, "k8s/api.yaml", {()}),
    ],
    ids=[
        "two Applications of one folder",
        "an Application of a folder of files",
        "an Application that recurses",
        "an ApplicationSet with a list",
        "an ApplicationSet of the cluster's own list",
        "two Flux Kustomizations of one folder",
        "a Flux path in an artifact",
        "Fleet's targets",
        "helmfile's environments",
        "a pipeline's values files",
        "a script's folder",
        "a folder's name",
        "nothing said",
    ],
)
def test_where_a_file_deploys_to_is_told_from_who_installs_it(
    files: dict[str, str], path: str, environments: set[tuple[str, ...]]
) -> None:
    found = destinations(build(files), [path])
    assert {one.environments for one in found} == environments, found


def test_the_cluster_and_the_namespace_are_those_of_the_installer() -> None:
    files = {"argocd/prod.yaml": application("prod", "k8s"), "k8s/api.yaml": DEPLOYMENT}
    (found,) = destinations(build(files), ["k8s/api.yaml"])
    assert (found.cluster, found.namespace) == ("cluster-prod", "shop")
    assert "Application/argocd/api-prod in argocd/prod.yaml" in found.said_by


@pytest.mark.parametrize(
    ("name", "text", "reached"),
    [
        ("main.tf", 'manifest = yamldecode(file("${path.module}/k8s/api.yaml"))', True),
        ("main.tf", 'values = [file("k8s/other.yaml")]', False),
        ("k8s/api.jsonnet", "{ 'api.yaml': std.manifestYamlDoc(api) }", True),
        ("cdk8s.yaml", "language: typescript\napp: ts-node main.ts\noutput: k8s\n", True),
        ("render.sh", "ytt -f templates/ > k8s/api.yaml\n", True),
        ("deploy.sh", "envsubst < k8s/api.yaml | kubectl apply -f -\n", True),
        ("README.md", "kubectl apply -f k8s/api.yaml", False),
        (".github/workflows/test.yaml", "run: kustomize build k8s | kubeconform\n", False),
    ],
)
def test_programs_that_make_or_read_a_file_are_named(name: str, text: str, reached: bool) -> None:
    index = build({"k8s/api.yaml": DEPLOYMENT, name: text})
    troubled = [one for one in read_map(index).reaching("k8s/api.yaml") if one.trouble]
    assert bool(troubled) is reached, troubled
    assert not reached or name in troubled[0].said_by


def test_patches_that_flux_takes_as_objects_are_texts_for_kustomize() -> None:
    spec = {
        "patchesStrategicMerge": [{"kind": "Deployment", "spec": {"replicas": 3}}],
        "patchesJson6902": [{"target": {"kind": "Deployment"}, "patch": [{"op": "remove"}]}],
    }
    assert from_flux(spec) == {
        "patchesStrategicMerge": ["kind: Deployment\nspec:\n  replicas: 3\n"],
        "patchesJson6902": [{"target": {"kind": "Deployment"}, "patch": "- op: remove\n"}],
    }


def test_an_application_inside_of_a_script_reads_the_folder_that_it_names() -> None:
    script = (
        "kubectl apply -f - <<EOF\napiVersion: argoproj.io/v1alpha1\nkind: Application\n"
        "metadata: {name: api}\nspec:\n  source:\n    repoURL: $REPO\n    path: apps/api\nEOF\n"
    )
    files = {
        "bootstrap.sh": script,
        "apps/api/api.yaml": DEPLOYMENT,
        "apps/web/api.yaml": DEPLOYMENT,
    }
    found = read_map(build(files))
    assert [one.said_by for one in found.reaching("apps/api/api.yaml")] == ["bootstrap.sh"]
    assert found.reaching("apps/api/api.yaml")[0].trouble
    assert not found.reaching("apps/web/api.yaml")


@pytest.mark.parametrize("key", ["targets", "targetCustomizations"])
def test_overlays_of_a_bundles_targets_are_in_its_namespace(key: str) -> None:
    files = {
        "bundle/fleet.yaml": FLEET.replace("targetCustomizations", key),
        "bundle/overlays/dev/kustomization.yaml": "resources: [../../base]\n",
        "bundle/overlays/prod/kustomization.yaml": "resources: [../../base]\n",
        "bundle/base/kustomization.yaml": "resources: []\n",
    }
    found = read_map(build(files)).reaching("bundle/overlays/prod/kustomization.yaml")
    assert [(one.folder, one.namespace, one.forced) for one in found] == [
        ("bundle/overlays/prod", "shop", True)
    ]
