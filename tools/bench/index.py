"""Indexing a repository of 5,000 files: cold, with nearly all contents known, and one search in it; and one rendering proof."""

from __future__ import annotations

import time
from collections.abc import Callable

from manifests.proposal.propose import EditBase, EditProposal, propose_on
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.index import Blobs, build
from manifests.repository.locate import Hints, locate
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

TITLE = "index: 5,000 files, read cold, read again, searched, an edit proven"
FILES = 5_000
REF = ObjectRef(kind="Deployment", namespace="shop", name="api-2500")
MEMORY = "spec.template.spec.containers[name=app].resources.limits.memory"
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api-{n}
  labels: {{app: api-{n}, team: team-{team}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: api-{n}}}}}
  template:
    metadata: {{labels: {{app: api-{n}}}}}
    spec:
      containers:
      - name: app
        image: registry.example.com/api-{n}:1.{n}
        env:
{env}
        resources:
          requests: {{cpu: 100m, memory: 64Mi}}
          limits: {{cpu: 500m, memory: 128Mi}}
"""


def repository() -> dict[str, bytes]:
    """One service in ten has a base and two overlays, the others plain files of about 60 lines."""
    env = "".join(f"        - {{name: VALUE_{n}, value: '{n}'}}\n" for n in range(40)).rstrip()
    files: dict[str, bytes] = {}
    n = 0
    while len(files) < FILES:
        text = _DEPLOYMENT.format(n=n, team=n % 20, env=env).encode()
        folder = f"teams/{n % 20}/api-{n}"
        if n % 10:
            files[f"{folder}/deployment.yaml"] = text
        else:
            files[f"{folder}/base/deployment.yaml"] = text
            files[f"{folder}/base/kustomization.yaml"] = b"resources: [deployment.yaml]\n"
            for name in ("production", "staging"):
                overlay = f"namespace: shop\nresources: [../../base]\n# {name}\n"
                files[f"{folder}/overlays/{name}/kustomization.yaml"] = overlay.encode()
        n += 1
    return files


def run() -> dict[str, float]:
    """Milliseconds."""
    files, blobs = repository(), Blobs()
    figures: dict[str, float] = {}
    figures["index_cold_ms"] = _ms(lambda: build(files, blobs))
    again = files | {
        "teams/1/api-1/deployment.yaml": files["teams/1/api-1/deployment.yaml"] + b"# new\n"
    }
    figures["index_again_ms"] = _ms(lambda: build(again, blobs))
    index = build(files, blobs)
    hints = Hints("production")
    figures["locate_ms"] = _ms(lambda: locate(REF, index, hints))
    change = KubernetesChange(
        object=REF, fields=(FieldChange(path=MEMORY, before="128Mi", after="256Mi"),)
    )

    def proven() -> None:
        found = propose_on(index, [change], EditBase("", "", "", {}), hints, BuiltIn())
        assert isinstance(found, EditProposal), found
        assert found.proof.verdict == "pass", found.proof

    figures["proposed_and_proven_ms"] = _ms(proven)
    for name, value in figures.items():
        print(f"{name:24} {value:8.1f}")
    return figures


def _ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000
