"""The file before an edit is read back from the diff that a reviewer sees, byte for byte."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from manifests import propose
from safety.core.documents import before_of, edited_objects
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
