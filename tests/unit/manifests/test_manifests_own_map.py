"""`.kfix.yaml`: a repository's own word on where objects are declared narrows, and one that is not right refuses."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from manifests.proposal.propose import set_fields
from manifests.refused import NotEditable
from manifests.repository.index import build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef

API = ObjectRef(kind="Deployment", namespace="shop", name="api")
DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\nspec:\n"
    "  replicas: 2\n  template: {spec: {containers: [{name: app, image: 'a:1'}]}}\n"
)
FILES = {f"clusters/{name}/api.yaml": DEPLOYMENT for name in ("eu", "us")}
OVERLAYS = {
    "base/api.yaml": DEPLOYMENT,
    "base/kustomization.yaml": "resources: [api.yaml]\n",
    **{
        f"{tree}/overlays/{env}/kustomization.yaml": (
            "resources: [../../../base]\npatches: [{path: m.yaml}]\n"
        )
        for tree in ("a", "b")
        for env in ("prod", "staging")
    },
    **{
        f"{tree}/overlays/{env}/m.yaml": (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: 3\n"
        )
        for tree in ("a", "b")
        for env in ("prod", "staging")
    },
}


def own(*entries: str) -> dict[str, str]:
    return {".kfix.yaml": "version: 1\ndeclared:\n" + "".join(f"- {{{one}}}\n" for one in entries)}


def edited(files: Mapping[str, str], environment: str = "unknown", **hints: object) -> list[str]:
    given = Hints(environment, **hints)  # type: ignore[arg-type]
    return [edit.path for edit in set_fields(build(files), API, {"spec.replicas": 5}, given)]


def refusal(files: Mapping[str, str], environment: str = "unknown", **hints: object) -> str:
    with pytest.raises(NotEditable) as refused:
        edited(files, environment, **hints)
    return str(refused.value)


@pytest.mark.parametrize(
    "entries",
    [
        ["for: shop, below: [clusters/eu]"],
        ["for: Deployment/shop/api, below: [clusters/eu/api.yaml]"],
        ["for: shop, below: [clusters/us]", "for: Deployment/shop/api, below: [clusters/eu]"],
    ],
)
def test_of_several_places_the_one_that_the_repository_says_is_edited(entries: list[str]) -> None:
    assert refusal(FILES).startswith("AMBIGUOUS_DOC")
    assert edited(FILES | own(*entries)) == ["clusters/eu/api.yaml"]


def test_an_entry_for_an_environment_counts_for_that_one_alone() -> None:
    said = own("for: shop, environment: prod, below: [a]", "for: shop, below: [b]")
    assert edited(OVERLAYS | said, "production") == ["a/overlays/prod/m.yaml"]
    assert edited(OVERLAYS | said, "staging") == ["b/overlays/staging/m.yaml"]
    assert refusal(OVERLAYS, "production").startswith("AMBIGUOUS_DOC")


def test_it_says_nothing_of_which_environment_a_place_is() -> None:
    said = own("for: shop, environment: production, below: [a/overlays/staging]")
    assert "another environment than production" in refusal(OVERLAYS | said, "production")


def test_it_adds_no_place() -> None:
    said = own("for: other, below: [clusters/eu]", "for: shop, below: [readme]")
    files = {**FILES, "readme/a.yaml": "a: 1\n", **said}
    assert "no file below readme declares Deployment/shop/api" in refusal(files)


def test_a_live_object_that_leads_elsewhere_is_a_contradiction() -> None:
    app = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: us}\n"
        "spec: {source: {repoURL: x, path: clusters/us}, destination: {namespace: shop}}\n"
    )
    files = {**FILES, "app.yaml": app, **own("for: shop, below: [clusters/eu]")}
    live = {API.key: {"argocd.argoproj.io/tracking-id": "us:apps/Deployment:shop/api"}}
    told = refusal(files, live=live)
    assert "leads to clusters/us/api.yaml, and .kfix.yaml says: only below clusters/eu" in told


def test_the_static_map_and_it_count_together() -> None:
    said = own("for: shop, below: [clusters/eu]")
    assert edited(FILES | said, folders=("clusters",)) == ["clusters/eu/api.yaml"]
    assert "no file below clusters/eu declares" in refusal(FILES | said, folders=("clusters/us",))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "one document, a mapping"),
        ("[]\n", "one document, a mapping"),
        ("declared: [{for: shop, below: [clusters/eu]}]\n", "its version is 1"),
        ("version: '1'\ndeclared: [{for: shop, below: [clusters/eu]}]\n", "its version is 1"),
        ("version: 1\ndeclared:\n", "list of 1 to"),
        ("version: 1\ndeclared: [{for: shop, below: [a]}]\ndeclared: []\n", "stands twice"),
        (
            "version: 1\ndeclared: [{for: shop, below: &a [clusters/eu]}, {for: b, below: *a}]\n",
            "anchor",
        ),
        ("version: 2\ndeclared: [{for: shop, below: [clusters/eu]}]\n", "its version is 1"),
        ("version: true\ndeclared: [{for: shop, below: [clusters/eu]}]\n", "its version is 1"),
        ("version: 1\ndeclared: []\n", "list of 1 to"),
        ("version: 1\ndeclared: {for: shop}\n", "list of 1 to"),
        ("version: 1\ndeclared: [{for: shop}]\n", "entry 1 has other keys"),
        ("version: 1\ndeclared: [{for: shop, below: [clusters/eu], merge: yes}]\n", "entry 1 has"),
        ("version: 1\ndeclared: [{for: a b, below: [clusters/eu]}]\n", "for is a namespace"),
        ("version: 1\ndeclared: [{for: 1, below: [clusters/eu]}]\n", "for is a namespace"),
        ("version: 1\ndeclared: [{for: shop, environment: '', below: [a]}]\n", "one word"),
        ("version: 1\ndeclared: [{for: shop, below: []}]\n", "list of 1 to 20 folders"),
        ("version: 1\ndeclared: [{for: shop, below: clusters/eu}]\n", "list of 1 to 20 folders"),
        ("version: 1\ndeclared: [{for: shop, below: [../x]}]\n", "no folder or file"),
        ("version: 1\ndeclared: [{for: shop, below: [/clusters]}]\n", "no folder or file"),
        ("version: 1\ndeclared: [{for: shop, below: [clusters/eu/]}]\n", "no folder or file"),
        ("version: 1\ndeclared: [{for: shop, below: ['.']}]\n", "no folder or file"),
        ("version: 1\ndeclared: [{for: shop, below: [gone]}]\n", "gone is no folder or file"),
        (
            "version: 1\ndeclared: [{for: shop, environment: prod, below: [clusters/eu]}, "
            "{for: shop, environment: production, below: [clusters/us]}]\n",
            "entry 2 says again",
        ),
        ("version: 1\ndeclared: [\n", ""),
        ("version: 1\n---\ndeclared: []\n", "one document"),
    ],
)
def test_one_that_is_not_as_it_has_to_be_refuses_every_edit(text: str, why: str) -> None:
    told = refusal({"plain/api.yaml": DEPLOYMENT, ".kfix.yaml": text, **FILES})
    assert told.startswith("INVALID_YAML: .kfix.yaml is not as it has to be")
    assert why in told


def test_what_else_the_file_says_is_not_about_places() -> None:
    files = {"k8s/api.yaml": DEPLOYMENT}
    assert edited({**files, ".kfix.yaml": "version: 1\npropose: false\n"}) == ["k8s/api.yaml"]
    assert edited({**files, ".kfix.yaml": "version: 2\npaths: [x]\n"}) == ["k8s/api.yaml"]
    both = "version: 1\nkinds: [Deployment]\ndeclared: [{for: shop, below: [clusters/eu]}]\n"
    assert edited({**FILES, ".kfix.yaml": both}) == ["clusters/eu/api.yaml"]


def test_a_file_of_nearly_its_name_is_not_passed_over() -> None:
    files = {**FILES, ".kfix.yml": "version: 1\n"}
    assert "it is called .kfix.yaml" in refusal(files)


def test_where_another_tree_makes_it_in_the_same_environment_its_word_decides() -> None:
    said = own("for: shop, environment: prod, below: [a/overlays/prod]")
    assert edited(OVERLAYS | said, "prod") == ["a/overlays/prod/m.yaml"]
