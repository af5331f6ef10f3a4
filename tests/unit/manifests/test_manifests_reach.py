"""Every name on a file's way to a cluster is found, and whoever may install it without saying where."""

from __future__ import annotations

from kfix.incident.environments import judge, of_reaches
from manifests.repository.index import build
from manifests.repository.reach import reaches

DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n"
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: NAME}
spec:
  source: {repoURL: x, path: PATH}
  destination: {name: CLUSTER, namespace: shop}
"""
FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec: {path: ./PATH, sourceRef: {kind: GitRepository, name: r}}
"""


def kustomization(*resources: str) -> str:
    return "resources: [" + ", ".join(resources) + "]\n"


def application(name: str, path: str, cluster: str) -> str:
    return APPLICATION.replace("NAME", name).replace("PATH", path).replace("CLUSTER", cluster)


def environment(files: dict[str, str], path: str, branch: str = "main") -> tuple[str, str]:
    """What the repository alone says: environments that its names mean, joined, and the verdict on a doubt."""
    said = list(of_reaches(reaches(build(files), [path], branch)))
    return "+".join(sorted({s.environment for s in said})), judge(said).environment


def test_a_path_speaks_by_whole_folders() -> None:
    assert (
        environment({"overlays/staging/api.yaml": DEPLOYMENT}, "overlays/staging/api.yaml")[0]
        == "staging"
    )
    assert (
        environment({"apps/dev-portal/api.yaml": DEPLOYMENT}, "apps/dev-portal/api.yaml")[0] == ""
    )


def test_a_base_goes_wherever_an_overlay_takes_it() -> None:
    files = {
        "base/api.yaml": DEPLOYMENT,
        "base/kustomization.yaml": kustomization("api.yaml"),
        "overlays/staging/kustomization.yaml": kustomization("../../base"),
        "overlays/prod/kustomization.yaml": kustomization("../../base"),
    }
    assert environment(files, "base/api.yaml") == ("production+staging", "production")


def test_an_application_says_more_than_the_folders_name() -> None:
    files = {
        "staging/api.yaml": DEPLOYMENT,
        "argocd/a.yaml": application("api", "staging", "prod-eu"),
    }
    assert environment(files, "staging/api.yaml") == ("production+staging", "production")
    files["argocd/a.yaml"] = application("api-staging", "staging", "staging-eu")
    assert environment(files, "staging/api.yaml")[0] == "staging"


def test_a_cluster_folder_of_flux_says_where_its_path_goes() -> None:
    files = {
        "apps/api/api.yaml": DEPLOYMENT,
        "clusters/production/apps.yaml": FLUX.replace("PATH", "apps/api"),
    }
    assert environment(files, "apps/api/api.yaml")[0] == "production"


def test_a_branch_speaks_too() -> None:
    files = {"staging/api.yaml": DEPLOYMENT}
    assert environment(files, "staging/api.yaml", "production") == (
        "production+staging",
        "production",
    )


def test_a_generator_that_nobody_can_follow_is_a_doubt() -> None:
    text = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: everywhere}
spec:
  generators: [{clusters: {}}]
  template:
    spec:
      source: {repoURL: x, path: "staging"}
      destination: {server: "{{server}}", namespace: shop}
"""
    files = {"staging/api.yaml": DEPLOYMENT, "sets/all.yaml": text}
    assert environment(files, "staging/api.yaml") == ("staging+unknown", "production")
