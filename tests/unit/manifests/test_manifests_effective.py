"""What a repository declares is what its overlays make of it."""

from __future__ import annotations

from typing import Any

from manifests.render.effective import of_overlay, rendered
from manifests.repository.index import build
from schemas.base import ObjectRef

BASE = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  template:
    spec:
      containers: [{name: web, image: web}]
"""
WEB = ObjectRef(kind="Deployment", namespace="shop", name="web")


def repository(**overlays: str) -> dict[str, str]:
    files = {"base/web.yaml": BASE, "base/kustomization.yaml": "resources: [web.yaml]\n"}
    for name, text in overlays.items():
        files[f"{name}/kustomization.yaml"] = f"resources: [../base]\n{text}"
    return files


def declared(files: dict[str, str]) -> dict[str, Any]:
    made, _ = rendered(build(files))
    return {
        f"{one.object['metadata'].get('namespace', '')}/{one.path}": one.object["spec"]
        for one in made
    }


def image_of(spec: Any) -> str:
    return str(spec["template"]["spec"]["containers"][0]["image"])


def test_images_and_replicas_of_the_overlay_are_what_is_declared() -> None:
    overlay = (
        "namespace: shop\nimages: [{name: web, newName: r.invalid/web, newTag: '7'}]\n"
        "replicas: [{name: web, count: 4}]\n"
    )
    (spec,) = declared(repository(prod=overlay)).values()
    assert (image_of(spec), spec["replicas"]) == ("r.invalid/web:7", 4)


def test_two_overlays_declare_two_objects_where_their_namespaces_differ() -> None:
    files = repository(
        prod="namespace: shop\nreplicas: [{name: web, count: 4}]\n", dev="namespace: play\n"
    )
    found = declared(files)
    assert {key: spec["replicas"] for key, spec in found.items()} == {
        "shop/base/web.yaml": 4,
        "play/base/web.yaml": 1,
    }


def test_overlays_that_disagree_about_one_object_leave_its_file_as_it_stands() -> None:
    files = repository(
        prod="namespace: shop\nreplicas: [{name: web, count: 4}]\n", dev="namespace: shop\n"
    )
    made, covered = rendered(build(files))
    assert made == []
    assert "base/web.yaml" not in covered


def test_a_patch_is_no_object_of_its_own() -> None:
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 9}\n"
    files = repository(prod="namespace: shop\npatches: [{path: p.yaml}]\n") | {"prod/p.yaml": patch}
    made, covered = rendered(build(files))
    assert [one.object["spec"]["replicas"] for one in made] == [9]
    assert "prod/p.yaml" in covered


def test_an_overlay_that_is_not_known_here_says_nothing() -> None:
    files = repository(prod="namespace: shop\nreplacements: []\n")
    assert rendered(build(files)) == ([], set())
    assert of_overlay(build(files), "prod", WEB) is None


def test_one_object_of_an_overlay_is_found_by_its_name() -> None:
    files = repository(prod="namespace: shop\nreplicas: [{name: web, count: 4}]\n")
    found = of_overlay(build(files), "prod", WEB)
    assert found is not None
    assert found["spec"]["replicas"] == 4
