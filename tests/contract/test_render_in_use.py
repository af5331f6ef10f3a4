"""Overlays that are deployed beside others that are not, and overlays of several clusters of one environment: the one that is
meant is edited, and nothing where it is not in use. With the real kustomize."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.proposal.propose import set_fields
from manifests.refused import NotEditable
from manifests.repository.environments import in_cluster, speaks
from manifests.repository.index import build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef
from tests.support.render import renderer

pytestmark = pytest.mark.render

_DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: 2\n"
    "  selector: {matchLabels: {app: api}}\n  template:\n    metadata: {labels: {app: api}}\n    spec:\n"
    "      containers:\n      - name: app\n        image: registry.example/api:1.0\n"
)
_BUDGET = (
    "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: api}\n"
    "spec: {minAvailable: 1, selector: {matchLabels: {app: api}}}\n"
)
_BASE = {
    "base/kustomization.yaml": "resources: [api.yaml]\n",
    "base/api.yaml": _DEPLOYMENT,
}


def _application(name: str, path: str, namespace: str = "shop") -> dict[str, str]:
    return {
        f"apps/{name}.yaml": (
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
            f"metadata: {{name: {name}, namespace: argocd}}\nspec:\n"
            f"  destination: {{server: 'https://kubernetes.default.svc', namespace: {namespace}}}\n"
            f"  source: {{repoURL: x, path: {path}}}\n"
        )
    }


def _edited(
    files: Mapping[str, str],
    programs: Programs,
    wanted: Mapping[str, object],
    env: str,
    ref: str = "Deployment/shop/api",
) -> set[str]:
    edits = set_fields(build(files), ObjectRef.parse(ref), wanted, Hints(env), programs)  # type: ignore[arg-type]
    return {edit.path for edit in edits}


_REPLICAS = "replicas: [{name: api, count: 3}]\n"
PROFILES = _BASE | {
    "full/prod/kustomization.yaml": f"namespace: shop\nresources: [../../base, budget.yaml]\n{_REPLICAS}",
    "full/prod/budget.yaml": _BUDGET,
    "small/prod/kustomization.yaml": f"namespace: shop\nresources: [../../base]\n{_REPLICAS}",
}


def test_an_overlay_that_is_deployed_is_edited_beside_one_that_nobody_deploys(
    renderer: Programs,
) -> None:
    files = PROFILES | _application("api-prod", "small/prod")
    assert _edited(files, renderer, {"spec.replicas": 5}, "prod") == {
        "small/prod/kustomization.yaml"
    }


def test_what_only_an_overlay_makes_that_is_not_in_use_is_not_edited(renderer: Programs) -> None:
    files = PROFILES | _application("api-prod", "small/prod")
    budget = "PodDisruptionBudget/shop/api"
    with pytest.raises(NotEditable, match="full/prod is deployed by nobody here") as refused:
        _edited(files, renderer, {"spec.minAvailable": 2}, "prod", budget)
    assert refused.value.code == "NOT_FOUND"
    assert _edited(PROFILES, renderer, {"spec.minAvailable": 2}, "prod", budget) == {
        "full/prod/budget.yaml"
    }


def test_folders_that_may_be_two_regions_stay_apart_whoever_deploys_one(renderer: Programs) -> None:
    files = {
        path.replace("full/", "eu-1/").replace("small/", "us-1/"): text
        for path, text in PROFILES.items()
    }
    with pytest.raises(NotEditable) as refused:
        _edited(
            files | _application("api-prod", "us-1/prod"), renderer, {"spec.replicas": 5}, "prod"
        )
    assert refused.value.code == "AMBIGUOUS_DOC"


CLUSTERS = _BASE | {
    f"envs/{name}/kustomization.yaml": f"resources: [../../base]\n{_REPLICAS}"
    for name in ("prd-5-us-east", "prd-6-eu-west", "dev-1-us-east")
}
CLUSTERS |= {
    path: text
    for name in ("prd-5-us-east", "prd-6-eu-west", "dev-1-us-east")
    for path, text in _application(name, f"envs/{name}").items()
}


def test_the_same_object_of_another_cluster_is_no_other_candidate(renderer: Programs) -> None:
    asked = in_cluster("prd", ["prd-6-eu-west"])
    assert _edited(CLUSTERS, renderer, {"spec.replicas": 5}, asked) == {
        "envs/prd-6-eu-west/kustomization.yaml"
    }
    with pytest.raises(NotEditable) as refused:
        _edited(CLUSTERS, renderer, {"spec.replicas": 5}, "prd")
    assert refused.value.code == "AMBIGUOUS_DOC"


def test_what_only_another_cluster_gets_is_not_edited_for_this_one(renderer: Programs) -> None:
    flux = (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        "metadata: {name: apps, namespace: flux-system}\n"
        "spec:\n  path: ./apps/CLUSTER\n  sourceRef: {kind: GitRepository, name: flux-system}\n"
    )
    files = {
        f"clusters/{name}/apps.yaml": flux.replace("CLUSTER", name)
        for name in ("nordic", "tegernsee")
    }
    files |= {
        "apps/nordic/kustomization.yaml": "namespace: shop\nresources: [api.yaml]\n",
        "apps/nordic/api.yaml": _DEPLOYMENT,
        "apps/tegernsee/kustomization.yaml": "namespace: shop\nresources: [web.yaml]\n",
        "apps/tegernsee/web.yaml": _DEPLOYMENT.replace("api", "web"),
        "clusters/common/apps.yaml": "{}\n",
    }
    wanted = {"spec.replicas": 5}
    assert _edited(files, renderer, wanted, in_cluster("", ["nordic"])) == {"apps/nordic/api.yaml"}
    with pytest.raises(NotEditable, match="of another cluster") as refused:
        _edited(files, renderer, wanted, in_cluster("", ["tegernsee"]))
    assert refused.value.code == "NOT_FOUND"


DOCUMENTED = {
    "docs/tenant/api.yaml": _DEPLOYMENT.replace("name: api}", "name: api, namespace: shop}", 1),
    "manifests/web/web.yaml": _DEPLOYMENT.replace("api", "web"),
}


def test_what_only_the_documentation_shows_is_not_edited(renderer: Programs) -> None:
    declaring = DOCUMENTED | _application("web", "manifests/web")
    with pytest.raises(NotEditable, match="only files of the documentation") as refused:
        _edited(declaring, renderer, {"spec.replicas": 5}, "production")
    assert refused.value.code == "NOT_FOUND"
    linked = declaring | {
        "manifests/web/note.yaml": "# see https://kubernetes.io/docs/tasks/\na: 1\n"
    }
    with pytest.raises(NotEditable, match="only files of the documentation"):
        _edited(linked, renderer, {"spec.replicas": 5}, "production")
    named = declaring | _application("api", "docs/tenant")
    assert _edited(named, renderer, {"spec.replicas": 5}, "") == {"docs/tenant/api.yaml"}
    assert _edited(DOCUMENTED, renderer, {"spec.replicas": 5}, "") == {"docs/tenant/api.yaml"}


def test_a_release_of_the_documentation_is_none(renderer: Programs) -> None:
    release = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
        "metadata: {name: api, namespace: shop}\nspec:\n  releaseName: api\n  chart:\n    spec:\n"
        "      chart: api\n      version: 1.0.0\n      sourceRef: {kind: HelmRepository, name: x}\n"
        "  values:\n    replicaCount: 2\n"
    )
    files = {
        "docs/tenant/release.yaml": release,
        "manifests/web/web.yaml": DOCUMENTED["manifests/web/web.yaml"],
    }
    files |= _application("web", "manifests/web")
    with pytest.raises(NotEditable) as refused:
        _edited(files, renderer, {"spec.replicas": 5}, "production")
    assert refused.value.code == "NOT_FOUND"


def test_an_overlay_within_one_of_its_own_environment_is_a_part_of_it(renderer: Programs) -> None:
    files = {
        "apps/web/base/kustomization.yaml": "resources: [app.yaml]\n",
        "apps/web/base/app.yaml": _application("web", "web/prod")["apps/web.yaml"],
        "apps/web/overlays/prod/kustomization.yaml": (
            "resources: [../../base]\npatches:\n- target: {kind: Application, name: web}\n  patch: |-\n"
            "    - op: replace\n      path: /spec/source/path\n      value: web/prod\n"
        ),
        "root/prod/kustomization.yaml": "resources: [../../apps/web/overlays/prod]\n",
        "web/prod/web.yaml": _DEPLOYMENT.replace("api", "web"),
    } | _application("root", "root/prod", "argocd")
    ref, wanted = "Application/argocd/web", {"spec.project": "shop"}
    assert _edited(files, renderer, wanted, "prod", ref) != set()


def test_an_image_that_a_component_sets_gets_an_entry_of_the_overlay(renderer: Programs) -> None:
    files = _BASE | {
        "parts/color/kustomization.yaml": (
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: color.yaml}]\n"
        ),
        "parts/color/color.yaml": (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"
            "      containers:\n      - name: app\n        env: [{name: COLOR, value: red}]\n"
        ),
        "parts/version/kustomization.yaml": (
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
            "images: [{name: registry.example/api, newTag: '1.1'}]\n"
        ),
        "envs/dev/kustomization.yaml": (
            "resources: [../../base]\ncomponents: [../../parts/color, ../../parts/version]\n"
        ),
        "envs/prod/kustomization.yaml": "resources: [../../base]\ncomponents: [../../parts/version]\n",
    }
    path = "spec.template.spec.containers[name=app].image"
    edits = set_fields(
        build(files),
        ObjectRef.parse("Deployment/shop/api"),
        {path: "registry.example/api:1.2"},
        Hints("dev"),
        renderer,
    )
    assert [edit.path for edit in edits] == ["envs/dev/kustomization.yaml"]
    assert "+images:" in edits[0].diff


def test_an_item_of_a_kind_without_a_schema_changes_by_its_place(renderer: Programs) -> None:
    rollout = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: api}\nspec:\n  replicas: 2\n"
        "  strategy:\n    canary:\n      steps:\n      - setWeight: 20\n      - pause: {duration: 60s}\n"
    )
    files = {
        "base/kustomization.yaml": "resources: [rollout.yaml]\n",
        "base/rollout.yaml": rollout,
        "envs/prod/kustomization.yaml": "resources: [../../base]\n",
        "envs/staging/kustomization.yaml": "resources: [../../base]\n",
    }
    ref = "Rollout/shop/api"
    path = "spec.strategy.canary.steps[0].setWeight"
    assert _edited(files, renderer, {path: 10}, "prod", ref) == {
        "envs/prod/kustomization.yaml",
        "envs/prod/api-rollout-patch.yaml",
    }


@pytest.mark.parametrize(
    ("texts", "environment", "said"),
    [
        (["appsets/my-prod-appset.yml", "invoices-prod-us"], "prod-us", "yes"),
        (["appsets/my-prod-appset.yml", "invoices-prod-eu"], "prod-us", "no"),
        (["invoices-prod-us-west"], "prod-us", "no"),
        (["staging", "invoices-prod-us"], "prod-us", "no"),
        (["apps/envs/prod-us/values.yaml"], "prod-us", "yes"),
        (["invoices-prod-us"], "prod", "yes"),
    ],
)
def test_an_environment_of_several_words_is_one_at_the_end_of_a_name(
    texts: list[str], environment: str, said: str
) -> None:
    assert speaks(texts, environment) == said


def test_a_refusal_names_no_folder_of_this_machine(renderer: Programs) -> None:
    flux = (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        "metadata: {name: all, namespace: flux-system}\nspec:\n  path: ./\n"
        "  sourceRef: {kind: GitRepository, name: flux-system}\n"
        "  patches:\n  - target: {kind: Deployment}\n    patch: |-\n"
        "      - {op: replace, path: /spec/replicas, value: 4}\n"
    )
    files = {
        "clusters/prod/all.yaml": flux,
        "kustomization.yaml": "namespace: shop\nresources: [base/api.yaml]\n",
        "base/api.yaml": _DEPLOYMENT,
    }
    path = "spec.template.spec.containers[name=app].image"
    with pytest.raises(NotEditable) as refused:
        _edited(files, renderer, {path: "registry.example/api:2.0"}, "prod")
    assert refused.value.code == "NOT_RENDERED"
    assert "kfix-render-" not in refused.value.reason
    assert "cycle detected" in refused.value.reason


def _flux(cluster: str, path: str) -> dict[str, str]:
    return {
        f"clusters/{cluster}/apps.yaml": (
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            "metadata: {name: apps, namespace: flux-system}\n"
            f"spec: {{path: ./{path}, prune: true, sourceRef: {{kind: GitRepository, name: flux-system}}}}\n"
        )
    }


FLEET = (
    {
        path: text.replace("{name: api}", "{name: api, namespace: shop}")
        for path, text in _BASE.items()
    }
    | {
        "overlays/us-west-2/kustomization.yaml": f"resources: [../../base]\n{_REPLICAS}",
    }
    | _flux("us-west-2", "overlays/us-west-2")
    | _flux("eu-west-1", "base")
)


def test_one_of_several_clusters_is_edited_only_where_it_is_asked_for(renderer: Programs) -> None:
    wish = {"spec.replicas": 5}
    here = in_cluster("unknown", ["us-west-2"])
    assert _edited(FLEET, renderer, wish, here) == {"overlays/us-west-2/kustomization.yaml"}
    for other, code in (
        ("unknown", "AMBIGUOUS_DOC"),
        (in_cluster("unknown", ["us-west-1"]), "NOT_FOUND"),
        (in_cluster("unknown", ["eu-west-2"]), "NOT_FOUND"),
    ):
        with pytest.raises(NotEditable) as refused:
            _edited(FLEET, renderer, wish, other)
        assert refused.value.code == code


COPY = (
    _BASE
    | {
        "environments/prod/kustomization.yaml": "namespace: prod\nresources: [../../base]\n",
        "copies/api/kustomization.yaml": "resources: [../../base]\n",
    }
    | _application("prod-app", "environments/prod", "prod")
)


def test_a_copy_that_says_no_namespace_is_not_edited_for_one_that_nobody_has(
    renderer: Programs,
) -> None:
    wish = {"spec.replicas": 5}
    changed = _edited(COPY, renderer, wish, "prod", "Deployment/prod/api")
    assert {path.rpartition("/")[0] for path in changed} == {"environments/prod"}
    with pytest.raises(NotEditable, match="copies/api") as refused:
        _edited(COPY, renderer, wish, "prod", "Deployment/api/api")
    assert refused.value.code == "NOT_FOUND"


NAMED_BY_CLUSTERS = _BASE | {
    f"overlays/cluster{number}/kustomization.yaml": f"namespace: {name}\nresources: [../../base]\n"
    for number, name in ((1, "dev"), (2, "stage"), (3, "production"))
}


def test_the_namespace_of_an_overlay_that_nobody_deploys_says_its_environment(
    renderer: Programs,
) -> None:
    wish = {"spec.replicas": 5}
    here = in_cluster("staging", ["cluster2"])
    changed = _edited(NAMED_BY_CLUSTERS, renderer, wish, here, "Deployment/stage/api")
    assert {path.rpartition("/")[0] for path in changed} == {"overlays/cluster2"}
    for place in (in_cluster("production", ["cluster2"]), in_cluster("staging", ["cluster1"])):
        with pytest.raises(NotEditable):
            _edited(NAMED_BY_CLUSTERS, renderer, wish, place, "Deployment/stage/api")
