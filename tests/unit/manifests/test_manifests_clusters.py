"""ApplicationSets over clusters: what is declared here is followed, what may be registered elsewhere is not forgotten."""

from __future__ import annotations

import pytest

from manifests.repository.application_sets import expanded
from manifests.repository.index import build
from manifests.repository.installers import read_map
from manifests.text.equivalence import filled
from manifests.text.readings import Readings

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: NAME
  labels: {argocd.argoproj.io/secret-type: cluster, env: ENV}
stringData: {name: NAME, server: https://NAME.example}
"""
SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: api, namespace: argocd}
spec:
  generators: [{clusters: {selector: {matchLabels: {SELECTED}}, values: {tier: 'x-{{metadata.labels.env}}'}}}]
  template:
    metadata: {name: 'api-{{name}}'}
    spec:
      destination: {name: '{{name}}', namespace: shop}
      source: {repoURL: https://git.example/shop/deploy.git, path: PATH, helm: {valueFiles: [FILES]}}
"""
CHART = {
    "charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n",
    "charts/api/values.yaml": "replicaCount: 2\n",
}


def cluster(name: str, env: str) -> str:
    return SECRET.replace("NAME", name).replace("ENV", env)


def app_set(path: str, files: str = "", selected: str = "env: prod") -> str:
    made = SET.replace("PATH", f"'{path}'").replace(
        "FILES", ", ".join(f"'{f}'" for f in files.split(", ") if f)
    )
    return made.replace("{SELECTED}", f"{{{selected}}}")


CLUSTERS = {"clusters/eu.yaml": cluster("eu", "prod"), "clusters/dev.yaml": cluster("dev", "dev")}


def reading(files: dict[str, str], path: str) -> list[tuple[str, bool]]:
    """(who, is it known what it makes?) of everybody who reads a file."""
    found = read_map(build(files)).reaching(path)
    return [(one.said_by.partition(" in ")[0], not one.trouble) for one in found]


def test_a_set_makes_an_application_for_each_cluster_that_is_declared_and_chosen() -> None:
    (document,) = Readings().read(app_set("apps/{{name}}/{{values.tier}}"))
    found = expanded(filled(document.root), CLUSTERS, Readings())
    (one,) = found.made
    assert one["metadata"]["name"] == "api-eu"
    assert one["spec"]["source"]["path"] == "apps/eu/x-prod"
    assert one["spec"]["destination"]["name"] == "eu"
    assert (found.complete, found.by_clusters) == (True, True)


@pytest.mark.parametrize("selected", ["env: none", "env: staging"])
def test_where_no_declared_cluster_is_chosen_they_are_registered_elsewhere(selected: str) -> None:
    (document,) = Readings().read(app_set("apps/{{name}}", selected=selected))
    assert not expanded(filled(document.root), CLUSTERS, Readings()).complete


def test_without_a_selector_the_cluster_that_argo_cd_runs_in_is_one_of_them() -> None:
    (document,) = Readings().read(app_set("apps/{{name}}", selected=""))
    found = expanded(filled(document.root), CLUSTERS, Readings())
    assert [one["metadata"]["name"] for one in found.made] == [
        "api-dev",
        "api-eu",
        "api-in-cluster",
    ]


def test_what_is_called_after_a_cluster_is_its_own_and_what_all_share_is_in_doubt() -> None:
    files = {
        **CLUSTERS,
        **CHART,
        "set.yaml": app_set("charts/api", "../../envs/{{name}}.yaml, values-{{name}}.yaml"),
        "envs/eu.yaml": "replicaCount: 3\n",
        "charts/api/values-eu.yaml": "replicaCount: 3\n",
    }
    own = [("Application//api-eu", True)]
    assert reading(files, "envs/eu.yaml") == own
    assert reading(files, "charts/api/values-eu.yaml") == own
    both = [*own, ("ApplicationSet/argocd/api", False)]
    assert reading(files, "charts/api/values.yaml") == both


def test_a_set_whose_folders_stand_in_another_repository_is_not_followed() -> None:
    listed = app_set("apps/{{path.basename}}").replace(
        "clusters: {selector: {matchLabels: {env: prod}}, values: {tier: 'x-{{metadata.labels.env}}'}}",
        "git: {repoURL: https://git.example/shop/other.git, directories: [{path: apps/*}]}",
    )
    files = {"set.yaml": listed, "apps/x/api.yaml": "kind: Deployment\n"}
    assert reading(files, "apps/x/api.yaml") == [("ApplicationSet/argocd/api", False)]


LABELS = "clusters: {selector: {matchExpressions: [{key: env, operator: In, values: [dev, prod]}]}}"


def _by_label(path: str, generator: str = LABELS) -> tuple[list[str], bool]:
    """(paths of what is made, is it all?) where no cluster is declared."""
    old = "clusters: {selector: {matchLabels: {SELECTED}}, values: {tier: 'x-{{metadata.labels.env}}'}}"
    made = SET.replace(old, generator).replace("PATH", f"'{path}'").replace("[FILES]", "[]")
    (document,) = Readings().read(made)
    found = expanded(filled(document.root), {}, Readings())
    return [one["spec"]["source"]["path"] for one in found.made], found.complete


def test_environments_that_a_selector_allows_a_label_are_the_clusters_of_folders_told_by_it() -> (
    None
):
    assert _by_label("envs/{{metadata.labels.env}}") == (["envs/dev", "envs/prod"], True)
    selected = "clusters: {selector: {matchLabels: {env: prod, team: a}}}"
    assert _by_label("envs/{{metadata.labels.env}}", selected) == (["envs/prod"], True)


@pytest.mark.parametrize(
    ("path", "generator"),
    [
        ("apps/api", LABELS),
        ("envs/{{name}}/{{metadata.labels.env}}", LABELS),
        ("envs/{{metadata.labels.env}}/{{metadata.labels.region}}", LABELS),
        ("envs/{{metadata.labels.env}}", LABELS.replace("In", "NotIn")),
        ("envs/{{metadata.labels.env}}", LABELS.replace("dev, prod", "red, blue")),
        ("envs/{{metadata.labels.env}}", "clusters: {}"),
    ],
)
def test_what_no_label_tells_is_not_known(path: str, generator: str) -> None:
    assert _by_label(path, generator)[1] is False
