"""From an object to its file: plain manifests, overlays, and every case that is refused instead of guessed."""

from __future__ import annotations

import pytest

from manifests import EditRefused, propose
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange, LostText
from schemas.validated import FileEdit

API = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api")
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: app
        image: registry.example.com/api:1.0
        resources:
          limits:
            cpu: 500m
"""
CPU = "spec.template.spec.containers[name=app].resources.limits.cpu"
IMAGE = "spec.template.spec.containers[name=app].image"
RAISE = FieldChange(path=CPU, before="500m", after="1")
SCALE = FieldChange(path="spec.replicas", before=2, after=4)
PATCH = DEPLOYMENT.replace("  replicas: 2\n", "").replace(
    "        image: registry.example.com/api:1.0\n", ""
)


def proposed(
    files: dict[str, str], *fields: FieldChange, env: str = "production", ref: ObjectRef = API
) -> list[FileEdit] | EditRefused:
    change = KubernetesChange(object=ref, fields=fields)
    return propose(files, [change], environment=env, project="g/p", ref="main")


def only(result: list[FileEdit] | EditRefused) -> FileEdit:
    assert not isinstance(result, EditRefused), result
    assert len(result) == 1
    return result[0]


def refused(result: list[FileEdit] | EditRefused) -> str:
    assert isinstance(result, EditRefused), result
    return result.code


def overlays(**more: str) -> dict[str, str]:
    files = {
        "base/api.yaml": DEPLOYMENT,
        "base/kustomization.yaml": "resources: [api.yaml]\n",
        "overlays/prod/kustomization.yaml": "resources:\n- ../../base\n",
        "overlays/staging/kustomization.yaml": "resources:\n- ../../base\n",
    }
    return files | {
        path.replace("__", "/").replace("_yaml", ".yaml"): text for path, text in more.items()
    }


def test_a_plain_manifest_is_edited_where_it_stands() -> None:
    edit = only(proposed({"k8s/api.yaml": "# one\n" + DEPLOYMENT, "README.yaml": "x: 1\n"}, RAISE))
    assert edit.path == "k8s/api.yaml"
    assert (edit.added_lines, edit.removed_lines) == (1, 1)
    assert any("1 document declares" in step for step in edit.located_by)


def test_the_document_of_the_right_namespace_and_group_is_taken() -> None:
    other = DEPLOYMENT.replace("  name: api\n", "  name: api\n  namespace: other\n")
    legacy = DEPLOYMENT.replace("apps/v1", "extensions/v1beta1")
    text = "---\n".join([other, legacy, DEPLOYMENT, "kind: Service\nmetadata: {name: api}\n"])
    edit = only(proposed({"all.yaml": text}, RAISE))
    assert edit.after == text[::-1].replace("cpu: 500m"[::-1], 'cpu: "1"'[::-1], 1)[::-1]


def test_two_plain_files_are_told_apart_by_environment_or_not_at_all() -> None:
    files = {"prod/api.yaml": DEPLOYMENT, "staging/api.yaml": DEPLOYMENT}
    assert only(proposed(files, RAISE)).path == "prod/api.yaml"
    assert only(proposed(files, RAISE, env="staging")).path == "staging/api.yaml"
    assert refused(proposed(files, RAISE, env="unknown")) == "AMBIGUOUS_DOC"


def test_nothing_declares_it() -> None:
    assert (
        refused(proposed({"a.yaml": "kind: Deployment\nmetadata: {name: b}\n"}, RAISE))
        == "NOT_FOUND"
    )


def test_an_overlays_own_patch_that_sets_the_field_is_the_place() -> None:
    files = overlays(
        overlays__prod__kustomization_yaml="resources: [../../base]\npatches:\n- path: cpu.yaml\n",
        overlays__prod__cpu_yaml=PATCH,
    )
    assert only(proposed(files, RAISE)).path == "overlays/prod/cpu.yaml"


def test_an_overlays_patch_takes_a_field_that_only_the_shared_base_has() -> None:
    bare = PATCH.replace(
        "        resources:\n          limits:\n            cpu: 500m\n", "        env: []\n"
    )
    files = overlays(
        overlays__prod__kustomization_yaml="resources: [../../base]\npatches:\n- path: cpu.yaml\n",
        overlays__prod__cpu_yaml=bare,
    )
    edit = only(proposed(files, RAISE))
    assert edit.path == "overlays/prod/cpu.yaml"
    assert 'cpu: "1"' in edit.after


def test_a_base_that_others_share_is_not_touched_and_the_overlay_gets_a_patch() -> None:
    edits = proposed(overlays(), RAISE)
    assert not isinstance(edits, EditRefused)
    assert {e.path: (e.added_lines, e.removed_lines) for e in edits} == {
        "overlays/prod/kustomization.yaml": (2, 0),
        "overlays/prod/api-deployment-patch.yaml": (12, 0),
    }


def test_a_base_that_others_share_is_left_alone_where_a_patch_is_there_by_that_name() -> None:
    taken = overlays()
    taken["overlays/prod/api-deployment-patch.yaml"] = "# ours\n"
    assert refused(proposed(taken, RAISE)) == "STALE"


def test_a_file_beside_the_overlays_makes_it_ambiguous() -> None:
    files = overlays() | {"old/api.yaml": DEPLOYMENT}
    assert refused(proposed(files, RAISE, env="unknown")) == "AMBIGUOUS_DOC"


def test_a_base_of_one_overlay_is() -> None:
    files = overlays()
    del files["overlays/staging/kustomization.yaml"]
    assert only(proposed(files, RAISE, env="unknown")).path == "base/api.yaml"


def test_overlays_are_told_apart_by_their_namespace() -> None:
    files = overlays(
        overlays__prod__kustomization_yaml="namespace: shop\nresources: [../../base]\nreplicas:\n- {name: api, count: 2}\n",
        overlays__staging__kustomization_yaml="namespace: elsewhere\nresources: [../../base]\n",
    )
    edit = only(proposed(files, SCALE, env="unknown"))
    assert edit.path == "overlays/prod/kustomization.yaml"
    assert "count: 4" in edit.after


def test_images_of_the_overlay_win() -> None:
    files = overlays(
        overlays__prod__kustomization_yaml=(
            'resources: [../../base]\nimages:\n- name: registry.example.com/api\n  newTag: "1.10"\n'
        )
    )
    field = FieldChange(
        path=IMAGE, before="registry.example.com/api:1.10", after="registry.example.com/api:1.9"
    )
    assert 'newTag: "1.9"' in only(proposed(files, field)).after


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        (
            "- patch: |-\n    - op: replace\n      path: /spec/template/spec/containers/0/resources\n      value: {}\n  target: {kind: Deployment}\n",
            "OVERRIDDEN",
        ),
        (
            "- patch: |-\n    kind: Deployment\n    metadata: {name: api}\n    spec: {template: {spec: {containers: [{name: app, resources: {limits: {cpu: 7}}}]}}}\n",
            "STALE",
        ),
    ],
    ids=["takes it away", "says something else than the plan saw"],
)
def test_an_inline_patch_that_sets_the_field_is_not_worked_around(patch: str, code: str) -> None:
    files = overlays(
        overlays__prod__kustomization_yaml=f"resources: [../../base]\npatches:\n{patch}"
    )
    assert refused(proposed(files, RAISE)) == code


@pytest.mark.parametrize(
    "scaler",
    [
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec: {scaleTargetRef: {kind: Deployment, name: api}}\n",
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: h}\nspec: {scaleTargetRef: {name: api}}\n",
    ],
)
def test_replicas_under_an_autoscaler_are_its_own(scaler: str) -> None:
    files = {"api.yaml": DEPLOYMENT, "hpa.yaml": scaler}
    assert refused(proposed(files, SCALE)) == "HPA_OWNED"
    assert only(proposed(files, RAISE)).path == "api.yaml"


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        ("clusters/flux-system/gotk-components.yaml", DEPLOYMENT, "GENERATED"),
        ("rendered.yaml", "# Source: api/templates/d.yaml\n" + DEPLOYMENT, "GENERATED"),
        ("chart/templates/api.yaml", DEPLOYMENT + "{{- if .Values.x }}\n{{- end }}\n", "TEMPLATED"),
        ("api.yaml", DEPLOYMENT + "metadata: {}\n", "DUPLICATE_KEY"),
    ],
)
def test_files_that_tools_write_say_why_they_are_refused(path: str, text: str, code: str) -> None:
    assert refused(proposed({path: text}, RAISE)) == code


def test_a_chart_that_makes_the_object_is_named() -> None:
    text = DEPLOYMENT.replace("name: api\n", "name: {{ .Release.Name }}\n", 1)
    assert refused(proposed({"charts/api/templates/d.yaml": text}, RAISE)) == "TEMPLATED"


def test_a_rendered_copy_does_not_stand_in_the_way_of_the_source() -> None:
    files = {"api.yaml": DEPLOYMENT, "release/all.yaml": "# DO NOT EDIT\n" + DEPLOYMENT}
    assert only(proposed(files, RAISE)).path == "api.yaml"


def test_a_new_object_gets_its_file_and_its_place_in_the_kustomization() -> None:
    manifest = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "api"}, "maxReplicas": 5},
    }
    change = KubernetesChange(
        object=ObjectRef(kind="HorizontalPodAutoscaler", namespace="shop", name="api"),
        action="create",
        manifest=manifest,
    )
    files = {"k/api.yaml": DEPLOYMENT, "k/kustomization.yaml": "resources:\n- api.yaml\n"}
    result = propose(files, [change], environment="production", project="g/p", ref="main")
    assert not isinstance(result, EditRefused), result
    assert {e.path for e in result} == {
        "k/kustomization.yaml",
        "k/api-horizontalpodautoscaler.yaml",
    }
    assert result[0].after == "resources:\n- api.yaml\n- api-horizontalpodautoscaler.yaml\n"
    again = {**files, **{e.path: e.after for e in result}}
    twice = propose(again, [change], environment="production", project="g/p", ref="main")
    assert isinstance(twice, EditRefused)
    assert twice.code == "STALE"


_LOST = "# ours\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: settings}\ndata: {MODE: 'slow'}  # see the wiki"


def _lost(path: str, text: str = _LOST) -> KubernetesChange:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "shop"},
        "data": {"MODE": "slow"},
    }
    return KubernetesChange(
        object=ObjectRef(kind="ConfigMap", namespace="shop", name="settings"),
        action="create",
        manifest=manifest,
        beside=ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api"),
        restores=LostText(path=path, text=text, commit="abc"),
    )


def _brought_back(change: KubernetesChange, files: dict[str, str]) -> dict[str, str] | EditRefused:
    result = propose(files, [change], environment="production", project="g/p", ref="main")
    return result if isinstance(result, EditRefused) else {e.path: e.after for e in result}


def test_a_lost_file_comes_back_where_it_was_to_the_last_byte() -> None:
    assert _brought_back(_lost("c/settings.yaml"), {"k/api.yaml": DEPLOYMENT}) == {
        "c/settings.yaml": _LOST
    }


def test_a_lost_file_gets_its_place_in_the_kustomization_that_listed_it() -> None:
    files = {"k/api.yaml": DEPLOYMENT, "k/kustomization.yaml": "resources:\n- api.yaml\n"}
    assert _brought_back(_lost("k/config/settings.yaml"), files) == {
        "k/config/settings.yaml": _LOST,
        "k/kustomization.yaml": "resources:\n- api.yaml\n- config/settings.yaml\n",
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_lost("../settings.yaml"), "UNSAFE_PATH"),
        (_lost("k/.git/settings.yaml"), "UNSAFE_PATH"),
        (_lost("k/api.yaml"), "STALE"),
        (_lost("settings.yaml", _LOST.replace("slow", "fast")), "UNSUPPORTED"),
        (_lost("settings.yaml", f"{_LOST}\n---\nkind: Secret\n"), "UNSUPPORTED"),
    ],
)
def test_a_lost_file_that_is_not_what_was_asked_is_refused(
    change: KubernetesChange, code: str
) -> None:
    found = _brought_back(change, {"k/api.yaml": DEPLOYMENT})
    assert isinstance(found, EditRefused)
    assert found.code == code


def test_proposing_what_is_declared_already_changes_nothing() -> None:
    once = only(proposed({"api.yaml": DEPLOYMENT}, RAISE))
    assert proposed({"api.yaml": once.after}, RAISE) == []


def test_names_that_differ_in_case_are_refused() -> None:
    files = {"apps/api.yaml": DEPLOYMENT, "Apps/other.yaml": "x: 1\n"}
    assert refused(proposed(files, RAISE)) == "UNSAFE_PATH"
