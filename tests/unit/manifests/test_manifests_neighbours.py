"""Names that nearly are another environment's, and readers of a file that stand inside of others."""

from __future__ import annotations

import json

import pytest

from manifests.proposal.proof import ExpectedRendering, prove
from manifests.refused import NotEditable
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository import tree
from manifests.repository.environments import asked_for, closeness, matches, speaks
from manifests.repository.index import build, changed_index
from manifests.repository.installers import read_map
from manifests.repository.installers.helmfile import releases
from manifests.repository.locate import Hints, locate
from manifests.text import equivalence, read
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 2}\n"
API = ObjectRef(kind="Deployment", namespace="shop", name="api")
CHART = {
    "charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n",
    "charts/api/values.yaml": "replicaCount: 2\n",
}


@pytest.mark.parametrize(
    "folder",
    [
        *("non-prod", "nonprod", "no-prod", "not-prod", "non_production", "eu-non-prod"),
        *("pre-prod", "preprod", "pre-production", "prod-like", "production-copy"),
        *("prod-staging", "staging-prod", "dev-prod", "live-test"),
    ],
)
def test_a_folder_that_only_has_productions_word_in_its_name_is_not_productions(
    folder: str,
) -> None:
    for environment in ("prod", "production"):
        assert speaks([f"overlays/{folder}"], environment) == "no"
        assert not matches(f"overlays/{folder}/api.yaml", environment)
    assert speaks([f"overlays/{folder}"], folder) == "yes"


@pytest.mark.parametrize(
    "path",
    [
        *("overlays/prod", "prod-eu", "argocd/dev/prod.yaml", "techno-prod", "casino-live"),
        *("prod/pre-install", "express-prod", "values.prod.yaml", "qa-bot-prod", "non/prod"),
    ],
)
def test_production_is_still_known_by_its_word(path: str) -> None:
    assert speaks([path], "production") == "yes"
    assert matches(path, "production")


def test_staging_is_not_asked_for_by_a_folder_that_is_not_production_either() -> None:
    assert speaks(["overlays/non-prod"], "staging") == "no"
    assert speaks(["overlays/pre-prod"], "staging") == "no"
    assert speaks(["overlays/pre-prod"], "preprod") == "yes"


def test_a_mainnet_is_productions_and_a_testnet_a_place_of_its_own() -> None:
    assert speaks(["values.mainnet.yaml"], "prod") == speaks(["api-mainnet"], "mainnet") == "yes"
    assert speaks(["api-mainnet"], "staging") == speaks(["api-testnet"], "prod") == "no"
    assert speaks(["api-testnet"], "test") == "no"


@pytest.mark.parametrize("one", ["uat", "qa", "test", "sandbox", "preprod"])
@pytest.mark.parametrize("other", ["staging", "development", "production"])
def test_a_uat_and_its_like_are_places_of_their_own(one: str, other: str) -> None:
    assert speaks([f"overlays/{one}"], other) == "no"
    assert speaks([f"overlays/{other}"], one) == "no"
    assert speaks([f"overlays/{one}"], one) == "yes"


@pytest.mark.parametrize(
    "name", ["qa-cluster", "live-eu-1", "test-eks", "values-qa.yaml", "sandbox.yaml", "stage-2"]
)
def test_a_word_beside_where_and_what_kind_is_an_environments(name: str) -> None:
    assert speaks([name], "development") == "no"


@pytest.mark.parametrize("name", ["qa-bot", "live-orders", "load-test-runner", "stage-manager"])
def test_a_word_of_a_products_name_says_nothing(name: str) -> None:
    assert speaks([name], "development") == "silent"


def test_a_folder_called_just_so_comes_before_another_word_for_it() -> None:
    assert closeness(["overlays/prod"], "production") == 1
    assert closeness(["overlays/production"], "production") == 2
    assert closeness(["overlays/prod-eu"], "production") == 0
    files = {f"overlays/{name}/api.yaml": DEPLOYMENT for name in ("prod", "production", "prod-eu")}
    for asked in ("prod", "production"):
        assert locate(API, build(files), Hints(asked)).path == f"overlays/{asked}/api.yaml"
    with pytest.raises(NotEditable, match="3 documents fit"):
        locate(API, build(files), Hints("prd"))


def test_a_house_has_words_of_its_own() -> None:
    own = {"staging": ["uat", "integ"], "blue": ["azure"]}
    assert speaks(["overlays/uat"], asked_for("staging", own)) == "yes"
    assert speaks(["overlays/integ"], asked_for("stg", own)) == "yes"
    assert speaks(["overlays/staging"], asked_for("uat", own)) == "yes"
    assert speaks(["overlays/integ"], asked_for("prod", own)) == "no"
    assert speaks(["overlays/azure"], asked_for("blue", own)) == "yes"
    assert speaks(["overlays/prod"], asked_for("blue", own)) == "no"
    assert asked_for("prod", {}) == "prod"


def test_an_overlay_that_another_is_built_on_is_deployed_too() -> None:
    files = {
        "base/api.yaml": DEPLOYMENT,
        "base/kustomization.yaml": "resources: [api.yaml]\n",
        "overlays/dev/kustomization.yaml": "resources: [../../base]\npatches: [{path: m.yaml}]\n",
        "overlays/dev/m.yaml": DEPLOYMENT,
        "overlays/prod/kustomization.yaml": "resources: [../dev]\n",
    }
    for path in ("overlays/dev/m.yaml", "overlays/dev/kustomization.yaml", "base/api.yaml"):
        found = {one.folder for one in read_map(build(files)).reaching(path)}
        assert found == {"overlays/dev", "overlays/prod"}


def test_kustomizations_that_inflate_a_chart_of_the_repository_read_its_files() -> None:
    charts = "helmGlobals: {chartHome: ../../charts}\nhelmCharts: [{name: api, releaseName: api}]\n"
    files = CHART | {f"overlays/{env}/kustomization.yaml": charts for env in ("dev", "prod")}
    found = {one.folder for one in read_map(build(files)).reaching("charts/api/values.yaml")}
    assert found == {"overlays/dev", "overlays/prod"}


def test_a_release_that_takes_its_settings_from_another_by_a_merge_key_reads_the_same_files() -> (
    None
):
    helmfile = (
        "releases:\n- &default\n  name: api\n  chart: ./charts/api\n  values: [all.yaml]\n"
        "- <<: *default\n  name: worker\n"
    )
    found = list(releases(build({**CHART, "helmfile.yaml": helmfile, "all.yaml": "a: 1\n"})))
    assert [(one.name, one.chart, [f for f, *_ in one.layers]) for one in found] == [
        ("api", "charts/api", ["all.yaml"]),
        ("worker", "charts/api", ["all.yaml"]),
    ]


def test_of_several_merged_mappings_the_earlier_wins_and_an_own_key_wins_over_all() -> None:
    text = "x: {<<: [{a: 1, b: 1}, {b: 2, c: 2}], a: 0}\ny: {'<<': 1}\n"
    assert equivalence.filled(read.read(text)[0].root) == {
        "x": {"a": 0, "b": 1, "c": 2},
        "y": {"<<": 1},
    }


@pytest.mark.parametrize(
    ("links", "path", "found"),
    [
        ({"staging": "prod"}, "prod/api.yaml", ["staging"]),
        (
            {"envs/staging/api.yaml": "../prod/api.yaml"},
            "envs/prod/api.yaml",
            ["envs/staging/api.yaml"],
        ),
        ({"a": "b", "b": "prod"}, "prod/api.yaml", ["a", "b"]),
        ({"a": "now/api.yaml", "now": "prod"}, "prod/api.yaml", ["a", "now"]),
        ({"staging": "prod"}, "production/api.yaml", []),
        ({"staging": "/prod", "x": "../../prod"}, "prod/api.yaml", []),
        ({"prod/again": ".", "prod/up": "..", "a": "a", "b": "c", "c": "b"}, "prod/api.yaml", []),
    ],
)
def test_symlinks_make_a_file_another_one_too(
    links: dict[str, str], path: str, found: list[str]
) -> None:
    assert sorted(tree.leading_to(tree.ends_of(links), path)) == found


def test_a_file_that_a_symlink_leads_to_is_not_edited() -> None:
    file = "prod/api.yaml"
    index = build({file: DEPLOYMENT})
    index.links["staging"] = "prod"
    change = KubernetesChange(
        object=ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api"),
        fields=(FieldChange(path="spec.replicas", before=2, after=3),),
    )
    changed = {file: DEPLOYMENT.replace("2", "3")}
    assert changed_index(index, changed).links == {"staging": "prod"}
    with BuiltIn().open(index.files) as bench:
        done = prove(index, changed, ExpectedRendering([change]), bench)
    assert done.verdict == "fail"
    assert "the symlink staging" in done.reason
    index.links.clear()
    index.memo.clear()
    with BuiltIn().open(index.files) as bench:
        assert prove(index, changed, ExpectedRendering([change]), bench).verdict == "pass"


def application(env: str, path: str = "apps/api") -> dict[str, object]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": f"api-{env}"},
        "spec": {"destination": {"name": env}, "source": {"repoURL": "x", "path": path}},
    }


HYDRATED = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: api}
spec:
  destination: {name: dev}
  sourceHydrator:
    drySource: {repoURL: x, path: apps/api}
    syncSource: {targetBranch: env/dev, path: api}
"""
BRANCHED = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: api}
spec:
  goTemplate: true
  generators: [{clusters: {}}]
  template:
    spec:
      source: {path: 'apps/{{ if eq .name "prod" }}api{{ else }}api{{ end }}'}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deploy.sh", "cd apps/api\nkubectl apply -f .\n"),
        ("deploy.sh", "cd apps && kubectl apply -f api/\n"),
        ("ci/deploy.sh", "pushd ../apps/api; kubectl apply -f api.yaml; popd\n"),
        (".github/workflows/d.yml", "- working-directory: apps/api\n  run: kubectl apply -f .\n"),
        ("deploy.sh", 'for d in apps/*; do kubectl apply -f "$d"; done\n'),
        ("deploy.sh", "for name in web api\ndo\n  kubectl apply -f apps/${name}\ndone\n"),
        ("deploy.sh", "kubectl apply -f apps/*/\n"),
        ("create.sh", "argocd app create api --repo x --path apps/api --dest-name dev\n"),
        ("create.sh", "flux create kustomization api --source=x --path=./apps/api\n"),
        (
            "playbook.yml",
            "- hosts: dev\n  tasks:\n  - k8s: {state: present, src: apps/api/api.yaml}\n",
        ),
        (
            "apps.json",
            json.dumps({"kind": "List", "items": [application("prod"), application("dev")]}),
        ),
        ("argocd/dev.yaml", HYDRATED),
        ("argocd/set.yaml", BRANCHED),
    ],
)
def test_who_installs_a_folder_in_a_roundabout_way_is_known(name: str, text: str) -> None:
    index = build({"apps/api/api.yaml": DEPLOYMENT, "apps/web/web.yaml": DEPLOYMENT, name: text})
    said = [one.said_by for one in read_map(index).reaching("apps/api/api.yaml")]
    assert any(name in one for one in said), said


def test_a_script_that_goes_into_one_folder_installs_no_other() -> None:
    script = "cd apps/web\nkubectl apply -f .\n"
    index = build(
        {"apps/api/api.yaml": DEPLOYMENT, "apps/web/web.yaml": DEPLOYMENT, "d.sh": script}
    )
    assert read_map(index).reaching("apps/api/api.yaml") == []
    assert read_map(index).reaching("apps/web/web.yaml") != []
