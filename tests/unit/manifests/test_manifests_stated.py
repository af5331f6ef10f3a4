"""Fields that a Kustomization says itself are edited where they stand, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.proposal.propose import set_fields
from manifests.refused import NotEditable
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.index import build
from manifests.repository.locate import Hints
from manifests.repository.on_top import stated_on_top
from schemas.base import Json, ObjectRef

MEMORY = "spec.template.spec.containers[name=web].resources.limits.memory"
IMAGE = "spec.template.spec.containers[name=web].image"
BASE = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: web
          image: registry.invalid/web:1
          resources: {limits: {memory: 64Mi}}
"""
MERGE = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 5 # since June
"""
KUSTOMIZE = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"


def indented(text: str, by: int) -> str:
    return "".join(" " * by + line + "\n" for line in text.splitlines())


def repository(overlay: str, **more: str) -> dict[str, str]:
    """A base that two environments build, and what the one of production says besides."""
    return {
        "base/web.yaml": BASE,
        "base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
        "overlays/dev/kustomization.yaml": KUSTOMIZE + "resources: [../../base]\n",
        "overlays/prod/kustomization.yaml": KUSTOMIZE + "resources: [../../base]\n" + overlay,
    } | {path.replace("__", "/").replace("_yaml", ".yaml"): text for path, text in more.items()}


def edited(
    files: dict[str, str], wanted: dict[str, Any], name: str = "web"
) -> dict[str, list[str]]:
    """Lines that go and come, by file."""
    ref = ObjectRef(kind="Deployment", namespace="shop", name=name)
    found = set_fields(build(files), ref, wanted, Hints("prod"), BuiltIn())
    return {
        edit.path: [
            line
            for line in edit.diff.splitlines()
            if line[:1] in "+-" and line[:3] not in ("+++", "---")
        ]
        for edit in found
    }


IN_TEXT = "patches:\n  - patch: |-\n" + indented(MERGE, 6)
TARGETED = (
    "patches:\n  - target: {kind: Deployment, name: web}\n    patch: |-\n"
    "      - op: replace\n        path: /spec/replicas\n        value: 5\n"
    "      - op: replace\n        path: /spec/template/spec/containers/0/resources/limits/memory\n"
    "        value: 128Mi\n"
)


def test_a_patch_inside_of_the_kustomization_is_edited_on_its_line() -> None:
    assert edited(repository(IN_TEXT), {"spec.replicas": 6}) == {
        "overlays/prod/kustomization.yaml": [
            "-        replicas: 5 # since June",
            "+        replicas: 6 # since June",
        ]
    }


def test_the_older_list_of_merge_patches_is_read_too() -> None:
    overlay = "patchesStrategicMerge:\n  - |-\n" + indented(MERGE, 4)
    (lines,) = edited(repository(overlay), {"spec.replicas": 6}).values()
    assert lines == ["-      replicas: 5 # since June", "+      replicas: 6 # since June"]


def test_two_fields_of_one_json_patch_change_together() -> None:
    (lines,) = edited(repository(TARGETED), {"spec.replicas": 6, MEMORY: "256Mi"}).values()
    assert lines == [
        "-        value: 5",
        "+        value: 6",
        "-        value: 128Mi",
        "+        value: 256Mi",
    ]


def test_a_json_patch_beside_the_kustomization_is_edited_in_its_file() -> None:
    overlay = "patches:\n  - path: count.yaml\n    target: {kind: Deployment}\n"
    patch = "- {op: replace, path: /spec/replicas, value: 5}\n"
    files = repository(overlay, overlays__prod__count_yaml=patch)
    assert edited(files, {"spec.replicas": 6}) == {
        "overlays/prod/count.yaml": [
            "-- {op: replace, path: /spec/replicas, value: 5}",
            "+- {op: replace, path: /spec/replicas, value: 6}",
        ]
    }


def test_of_two_patches_the_last_one_counts() -> None:
    later = '  - target: {kind: Deployment, name: web}\n    patch: \'[{"op": "replace", "path": "/spec/replicas", "value": 7}]\'\n'
    (lines,) = edited(repository(IN_TEXT + later), {"spec.replicas": 8}).values()
    assert len(lines) == 2
    assert '"value": 8' in lines[1]


def test_a_patch_that_two_environments_share_is_left_alone_and_the_own_one_goes_on_top() -> None:
    component = KUSTOMIZE.replace("v1beta1", "v1alpha1").replace("Kustomization\n", "Component\n")
    files = repository("components: [../../components/wide]\n") | {
        "overlays/dev/kustomization.yaml": KUSTOMIZE
        + "resources: [../../base]\ncomponents: [../../components/wide]\n",
        "components/wide/kustomization.yaml": component + "patches: [{path: wide.yaml}]\n",
        "components/wide/wide.yaml": MERGE,
    }
    found = edited(files, {"spec.replicas": 6})
    assert set(found) == {
        "overlays/prod/kustomization.yaml",
        "overlays/prod/web-deployment-patch.yaml",
    }
    assert "+  replicas: 6" in found["overlays/prod/web-deployment-patch.yaml"]


@pytest.mark.parametrize(
    ("entry", "image", "changed"),
    [
        ("newTag: '1'", "registry.invalid/web:2", ["-    newTag: '1'", "+    newTag: '2'"]),
        (
            "newTag: '1'",
            "mirror.invalid/web:1",
            ["+    newName: mirror.invalid/web"],
        ),
        (
            "digest: sha256:aa",
            "registry.invalid/web:2",
            ["-    digest: sha256:aa", '+    newTag: "2"'],
        ),
        (
            "digest: sha256:aa",
            "registry.invalid/web@sha256:bb",
            ["-    digest: sha256:aa", "+    digest: sha256:bb"],
        ),
    ],
    ids=["tag", "name", "digest for a tag", "digest"],
)
def test_an_entry_of_images_is_what_changes(entry: str, image: str, changed: list[str]) -> None:
    overlay = f"images:\n  - name: registry.invalid/web\n    {entry}\n"
    files = repository(overlay)
    if "digest" in entry:
        files["base/web.yaml"] = BASE.replace("web:1", "web@sha256:aa")
    (lines,) = edited(files, {IMAGE: image}).values()
    assert sorted(lines) == sorted(changed)


@pytest.mark.parametrize(
    "operation",
    [
        "{op: remove, path: /spec/replicas}",
        "{op: replace, path: /spec, value: {paused: true}}",
        "{op: copy, from: /spec/revisionHistoryLimit, path: /spec/replicas}",
    ],
)
def test_a_json_patch_that_says_no_value_of_the_field_is_refused(operation: str) -> None:
    overlay = f"patches:\n  - target: {{kind: Deployment}}\n    patch: |-\n      - {operation}\n"
    with pytest.raises(NotEditable) as refused:
        edited(repository(overlay), {"spec.replicas": 6})
    assert refused.value.code == "OVERRIDDEN"


def test_a_json_patch_of_another_container_is_not_taken_for_this_ones() -> None:
    overlay = (
        "patches:\n  - target: {kind: Deployment, name: web}\n    patch: |-\n"
        "      - op: replace\n        path: /spec/template/spec/containers/1/resources/limits/memory\n"
        "        value: 128Mi\n"
    )
    files = repository(overlay)
    files["base/web.yaml"] = BASE + (
        "        - name: log\n          image: l:1\n          resources: {limits: {memory: 8Mi}}\n"
    )
    found = edited(files, {MEMORY: "256Mi"})
    assert "overlays/prod/web-deployment-patch.yaml" in found


def test_a_patch_that_hits_two_objects_is_not_edited_for_one() -> None:
    overlay = (
        "patches:\n  - target: {kind: Deployment}\n    patch: |-\n"
        "      - {op: replace, path: /spec/replicas, value: 5}\n"
    )
    files = repository(overlay)
    files["base/web.yaml"] = BASE + "---\n" + BASE.replace("web", "api")
    with pytest.raises(NotEditable) as refused:
        edited(files, {"spec.replicas": 6})
    assert refused.value.code == "OVERRIDDEN"
    assert "for other objects too" in str(refused.value)


def test_a_deployer_of_another_folder_lays_nothing_on_top_of_the_root() -> None:
    head = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: %s}\n"
    patch = (
        "  - patch: |\n      - op: replace\n        path: /spec/replicas\n        value: 3\n"
        "    target: {kind: Deployment, name: api}\n"
    )
    files = {
        "flux/all.yaml": f"{head % 'all'}spec:\n  path: ./\n  patches:\n{patch}",
        "flux/more.yaml": f"{head % 'more'}spec: {{path: ./more}}\n",
    }
    ref = ObjectRef(kind="Deployment", namespace="shop", name="api")
    declared: Json = {"spec": {"replicas": 2}}
    found = stated_on_top(
        build(files), "", ref, ("spec", "replicas"), declared, environment="unknown"
    )
    assert found is not None
    assert found.file == "flux/all.yaml"
