"""The file before an edit is read back from the diff that a reviewer sees, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import propose
from safety.core.documents import before_of, declared, edited_objects, is_whole
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

REF = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api")
MANIFEST = """# {note}
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api, namespace: shop}}
spec:
  replicas: {replicas}   # {note}
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata: {{labels: {{app: api}}}}
    spec:
      containers:
        - name: app
          image: x
          resources:
            requests: {{cpu: 100m, memory: 128Mi}}
            limits: {{cpu: 200m, memory: 256Mi}}
---
apiVersion: v1
kind: Service
metadata: {{name: api, namespace: shop}}
spec: {{ports: [{{port: 80}}]}}"""


def change(*fields: FieldChange) -> KubernetesChange:
    return KubernetesChange(object=REF, fields=fields)


def memory(kind: str, before: str) -> FieldChange:
    path = f"spec.template.spec.containers[name=app].resources.{kind}.memory"
    return FieldChange(path=path, before=before, after="512Mi")


notes = st.text(
    st.characters(
        blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85\ufeff\ufffe\uffff"
    ),
    max_size=20,
)


@given(notes, st.integers(1, 9), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_the_text_before_comes_back(note: str, replicas: int, ending: str, final: bool) -> None:
    text = MANIFEST.format(note=note, replicas=replicas).replace("\n", ending) + (
        ending if final else ""
    )
    wanted = change(
        FieldChange(path="spec.replicas", before=replicas, after=replicas + 1),
        memory("requests", "128Mi"),
        memory("limits", "256Mi"),
    )
    edits = propose({"api.yaml": text}, [wanted], environment="production", project="p", ref="main")
    assert isinstance(edits, list), edits
    assert before_of(edits[0]) == text


def test_touching_changes_stand_together_as_git_writes_them() -> None:
    text = MANIFEST.format(note="x", replicas=1)
    edits = propose(
        {"api.yaml": text},
        [change(memory("requests", "128Mi"), memory("limits", "256Mi"))],
        environment="production",
        project="p",
        ref="main",
    )
    assert isinstance(edits, list)
    signs = [
        line[0]
        for line in edits[0].diff.splitlines()
        if line[0] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert signs == ["-", "-", "+", "+"]
    assert [o["kind"] for o in edited_objects(edits)] == ["Deployment"]


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        (REF, True),
        (REF.model_copy(update={"name": "web"}), False),
        (REF.model_copy(update={"kind": "StatefulSet"}), False),
        (REF.model_copy(update={"namespace": "other"}), False),
    ],
)
@pytest.mark.parametrize("says_namespace", [True, False])
def test_the_object_that_an_edit_declares_is_the_one_of_kind_name_and_namespace(
    ref: ObjectRef, found: bool, says_namespace: bool
) -> None:
    text = MANIFEST.format(note="x", replicas=1)
    if not says_namespace:
        text = text.replace(", namespace: shop", "")
        found = found or ref.namespace == "other"
    wanted = change(FieldChange(path="spec.replicas", before=1, after=2))
    edits = propose({"api.yaml": text}, [wanted], environment="production", project="p", ref="main")
    assert isinstance(edits, list), edits
    told = declared(edits, KubernetesChange(object=ref))
    assert (told is not None) is found
    if told is not None:
        assert told["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    ("item", "whole"),
    [
        ({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"selector": {}}}, True),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 1}}, False),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "spec": []}, False),
        ({"apiVersion": "apps/v1", "kind": "Deployment"}, False),
        ({"kind": "Deployment", "spec": {"selector": {}}}, False),
        ({"apiVersion": "apps/v1", "spec": {"selector": {}}}, False),
        ({"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {}}}, True),
        ({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"template": {}}}, False),
        ({"apiVersion": "v1", "kind": "Service", "spec": {"ports": []}}, True),
        ({"apiVersion": "v1", "kind": "ConfigMap"}, True),
    ],
)
def test_a_part_of_an_object_is_not_taken_for_one(item: dict[str, object], whole: bool) -> None:
    assert is_whole(item) is whole
