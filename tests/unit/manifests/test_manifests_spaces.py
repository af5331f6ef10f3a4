"""Namespaces that installers say, and autoscalers that stand in one overlay."""

from __future__ import annotations

import pytest

from manifests.proposal.propose import set_fields
from manifests.proposal.scaling import scaler_of
from manifests.refused import NotEditable
from manifests.repository import spaces
from manifests.repository.index import build
from manifests.repository.kustomize import read_graph
from manifests.repository.locate import Hints, locate
from schemas.base import ObjectRef
from tests.support.stand_in_helm import StandIn

API = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n"
DEPLOYMENT = (
    API + "spec: {replicas: 2, template: {spec: {containers: [{name: api, image: a:1}]}}}\n"
)
BASE = {
    "base/kustomization.yaml": "resources: [api.yaml]\n",
    "base/api.yaml": DEPLOYMENT,
}


def overlay(name: str, more: str = "") -> dict[str, str]:
    """An overlay with a patch of its own."""
    return {
        f"overlays/{name}/kustomization.yaml": f"resources: [../../base]\npatches: [{{path: p.yaml}}]\n{more}",
        f"overlays/{name}/p.yaml": API + "spec: {replicas: 3}\n",
    }


def edited(
    files: dict[str, str], ref: str = "Deployment/shop/api", environment: str = "prod"
) -> list[str]:
    """The files that an edit of the replicas changes."""
    found = set_fields(
        build(files), ObjectRef.parse(ref), {"spec.replicas": 5}, Hints(environment), StandIn()
    )
    return [edit.path for edit in found]


OUTSIDE = "namespace: shop\nhelm: {chart: https://charts.example/api-1.0.0.tgz}\n"


def test_an_overlay_without_a_namespace_is_refused_beside_an_unseen_installer_of_just_that_one() -> (
    None
):
    files = BASE | overlay("prod")
    assert edited(files) == ["overlays/prod/p.yaml"]
    with pytest.raises(NotEditable, match=r"overlays/prod/p\.yaml.*out/fleet\.yaml") as refused:
        edited(files | {"out/fleet.yaml": OUTSIDE})
    assert refused.value.code == "AMBIGUOUS_DOC"
    said = BASE | overlay("prod", "namespace: shop\n") | {"out/fleet.yaml": OUTSIDE}
    assert edited(said) == ["overlays/prod/p.yaml"]
    other = OUTSIDE.replace("namespace: shop", "namespace: other")
    assert edited(files | {"out/fleet.yaml": other}) == ["overlays/prod/p.yaml"]


BUNDLE = "namespace: one\n"


def test_what_is_deployed_into_another_namespace_is_no_candidate_and_the_reason_says_so() -> None:
    files = {"one/fleet.yaml": BUNDLE, "one/api.yaml": DEPLOYMENT}
    with pytest.raises(NotEditable, match=r"one/api\.yaml:1 for one") as refused:
        edited(files, environment="")
    assert refused.value.code == "NOT_FOUND"
    assert "environment" not in str(refused.value)
    # A file of which nobody says a namespace does not stand in for it, unless its folder is called so.
    with pytest.raises(NotEditable, match="not for namespace shop"):
        edited(files | {"plain/api.yaml": DEPLOYMENT})
    assert edited(files | {"shop/api.yaml": DEPLOYMENT}) == ["shop/api.yaml"]


SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}, maxReplicas: 9}
"""


@pytest.mark.parametrize("namespaces", [True, False])
def test_an_autoscaler_of_one_overlay_owns_no_replicas_of_another(namespaces: bool) -> None:
    files = dict(BASE)
    for name in ("prod", "staging"):
        files |= overlay(name, f"namespace: {name}\n" if namespaces else "")
    at = "overlays/prod/kustomization.yaml"
    files[at] = files[at].replace("[../../base]", "[../../base, hpa.yaml]")
    files["overlays/prod/hpa.yaml"] = SCALER
    staging = "Deployment/staging/api" if namespaces else "Deployment/shop/api"
    assert edited(files, staging, "staging") == ["overlays/staging/p.yaml"]
    with pytest.raises(NotEditable, match=r"overlays/prod/hpa\.yaml") as refused:
        edited(files, staging.replace("staging", "prod"), "prod")
    assert refused.value.code == "HPA_OWNED"


def test_an_autoscaler_of_the_base_or_beside_the_overlays_owns_the_replicas_of_all() -> None:
    files = BASE | overlay("prod") | overlay("staging")
    shared = files | {
        "base/kustomization.yaml": "resources: [api.yaml, hpa.yaml]\n",
        "base/hpa.yaml": SCALER,
    }
    for more in (shared, files | {"scaling/hpa.yaml": SCALER}):
        with pytest.raises(NotEditable) as refused:
            edited(more, environment="staging")
        assert refused.value.code == "HPA_OWNED"


def test_an_overlay_without_a_namespace_does_not_answer_for_one_that_another_overlay_says() -> None:
    files = BASE | overlay("prod") | overlay("eu", "namespace: shop\n")
    with pytest.raises(NotEditable, match=r"overlays/prod/.*overlays/eu/.*says shop") as refused:
        edited(files)
    assert refused.value.code == "AMBIGUOUS_DOC"
    # It may answer where the other one is of another environment, or of another namespace.
    staging = BASE | overlay("prod") | overlay("staging", "namespace: shop\n")
    assert edited(staging) == ["overlays/prod/p.yaml"]
    other = BASE | overlay("prod") | overlay("eu", "namespace: other\n")
    assert edited(other) == ["overlays/prod/p.yaml"]
    said = BASE | overlay("prod", "namespace: shop\n") | overlay("eu", "namespace: shop\n")
    assert edited(said) == ["overlays/prod/p.yaml"]


def test_a_file_without_a_namespace_does_not_answer_for_one_whose_file_says_it() -> None:
    shop = DEPLOYMENT.replace("{name: api}}", "{name: api}").replace(
        "metadata: {name: api}", "metadata: {name: api, namespace: shop}"
    )
    files = {"prod/api.yaml": DEPLOYMENT, "eu/api.yaml": shop}
    with pytest.raises(NotEditable, match=r"prod/api\.yaml.*eu/api\.yaml says shop"):
        edited(files)
    assert edited({"prod/api.yaml": DEPLOYMENT, "staging/api.yaml": shop}) == ["prod/api.yaml"]
    mapped = files | {
        ".kfix.yaml": "version: 1\ndeclared: [{for: shop, environment: prod, below: [prod]}]\n"
    }
    assert edited(mapped) == ["prod/api.yaml"]


def test_a_script_beside_flux_says_where_a_file_goes_whether_or_not_flux_has_a_target() -> None:
    for target in ("", ", targetNamespace: web"):
        files = {
            "api/api.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 1}\n",
            "deploy.sh": "kubectl apply -n other -f api/\n",
            "flux/web.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            f"metadata: {{name: web, namespace: flux-system}}\nspec: {{path: ./web{target}}}\n",
        }
        index = build(files)
        found = spaces.away(index, read_graph(index), "api/api.yaml", "shop")
        assert found == ["other"], target


def several_bases(extra: str = "") -> dict[str, str]:
    """An overlay without a namespace on two bases that have one each, and a workload of the same name in both."""
    files = {"apps/prod/kustomization.yaml": f"resources: [../base/a, ../base/b]\n{extra}"}
    for name in ("a", "b"):
        files[f"apps/base/{name}/kustomization.yaml"] = f"namespace: {name}\nresources: [x.yaml]\n"
        files[f"apps/base/{name}/x.yaml"] = (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec:\n  replicas: 1\n"
        )
    return files


@pytest.mark.parametrize("space", ["a", "b"])
def test_each_of_several_bases_says_the_namespace_of_its_own(space: str) -> None:
    ref = ObjectRef(kind="Deployment", namespace=space, name="x")
    found = locate(ref, build(several_bases()), Hints("prod"))
    assert (found.path, found.built_in) == (f"apps/base/{space}/x.yaml", "apps/prod")
    with pytest.raises(NotEditable, match="not for namespace c"):
        locate(ref.model_copy(update={"namespace": "c"}), build(several_bases()), Hints("prod"))
    above = build(several_bases("namespace: c\n"))
    with pytest.raises(NotEditable, match="not for namespace"):
        locate(ref, above, Hints("prod"))


def test_an_autoscaler_of_the_second_base_owns_the_replicas_there() -> None:
    files = several_bases()
    files["apps/base/b/kustomization.yaml"] = "namespace: b\nresources: [x.yaml, hpa.yaml]\n"
    files["apps/base/b/hpa.yaml"] = (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\n"
        "spec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}\n  maxReplicas: 3\n"
    )
    index = build(files)
    ref = ObjectRef(kind="Deployment", namespace="b", name="x")
    assert scaler_of(index, ref) is not None
    assert scaler_of(index, ref.model_copy(update={"namespace": "a"})) is None
