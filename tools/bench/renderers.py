"""Edits that are proven by rendering, in a repository of 1,000 charts: against the same asks in one of ten.

Without helm and kustomize there is nothing to measure.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kfix.infra.clients.renderers import Programs, Rendering, installed
from kfix.infra.settings import load
from manifests.proposal.propose import set_fields
from manifests.repository.index import Blobs, RepositoryIndex, build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef

TITLE = "renderers: one value of one of 1,000 charts, against one of ten"
FEW, MANY = 10, 1_000
ENVIRONMENTS = ("dev", "staging", "production")
MEMORY = "spec.template.spec.containers[name=api].resources.limits.memory"
_VALUES = """\
replicaCount: 2
image: {{repository: registry.example/svc-{n:04}, tag: 1.0.{n}}}
service: {{port: 80}}
resources:
  limits: {{cpu: 500m, memory: 256Mi}}
  requests: {{cpu: 100m, memory: 64Mi}}
"""
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicaCount }}
  selector:
    matchLabels: {app: {{ .Release.Name }}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
    spec:
      containers:
        - name: api
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
"""
_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  selector: {app: {{ .Release.Name }}}
  ports: [{port: {{ .Values.service.port }}}]
"""
_APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: svc-{n:04}-{env}, namespace: argocd}}
spec:
  project: default
  destination: {{name: {env}, namespace: shop-{team}}}
  source:
    repoURL: https://git.example/shop/deploy.git
    path: charts/svc-{n:04}
    targetRevision: main
    helm:
      releaseName: svc-{n:04}
      valueFiles: [values.yaml, values-{env}.yaml]
"""


def repository(charts: int) -> dict[str, bytes | str]:
    """Charts, each with three environments; half are installed by an Application for each, which overlays build, and one
    in ten stands in an overlay instead."""
    files: dict[str, bytes | str] = {}
    for n in range(charts):
        folder = f"charts/svc-{n:04}"
        files[f"{folder}/Chart.yaml"] = f"apiVersion: v2\nname: svc-{n:04}\nversion: 1.0.{n}\n"
        files[f"{folder}/values.yaml"] = _VALUES.format(n=n)
        files[f"{folder}/templates/deployment.yaml"] = _DEPLOYMENT
        files[f"{folder}/templates/service.yaml"] = _SERVICE
        for env in ENVIRONMENTS:
            files[f"{folder}/values-{env}.yaml"] = (
                f"# {env} of svc-{n:04}\nresources:\n  limits: {{cpu: 500m, memory: {n + 300}Mi}}\n"
            )
            if n % 2:
                text = _APPLICATION.format(n=n, env=env, team=n % 20)
                files[f"clusters/{env}/svc-{n:04}.yaml"] = text
    for env in ENVIRONMENTS:
        listed = "".join(f"  - svc-{n:04}.yaml\n" for n in range(1, charts, 2))
        files[f"clusters/{env}/kustomization.yaml"] = (
            f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{listed}"
        )
    return files


def run() -> dict[str, float]:
    """Seconds of asks in both repositories, and how many times longer one takes in the large one."""
    programs = installed(load(Rendering))
    if not (programs.helm and programs.kustomize):
        print("helm or kustomize is not on PATH: nothing is measured")
        return {}
    figures: dict[str, float] = {}
    for size, name in ((FEW, "few"), (MANY, "many")):
        figures |= {f"{name}_{what}_s": s for what, s in _asked(size).items()}
    for what in ("first", "second", "later"):
        figures[f"{what}_many_to_few"] = figures[f"many_{what}_s"] / figures[f"few_{what}_s"]
    for name, value in figures.items():
        print(f"{name:28} {value:8.2f}")
    return figures


def _asked(charts: int) -> dict[str, float]:
    """Of an empty cache; of another object of the same commit; after a commit elsewhere; of a chart nobody installs."""
    files, blobs = repository(charts), Blobs()
    programs = installed(load(Rendering))
    index = build(files, blobs, branches=("main",))
    found = {"first": _s(lambda: _ask(index, charts // 2 + 1, programs))}
    found["second"] = _s(lambda: _ask(index, charts // 2 - 1, programs))
    found["uninstalled"] = _s(lambda: _ask(index, charts // 2, programs))
    files["charts/svc-0000/values.yaml"] += "# a commit elsewhere\n"  # type: ignore[operator]
    later = build(files, blobs, branches=("main",))
    found["later"] = _s(lambda: _ask(later, charts // 2 + 1, programs))
    return found


def _ask(index: RepositoryIndex, number: int, programs: Programs) -> None:
    namespace = f"shop-{number % 20}" if number % 2 else "shop"
    ref = ObjectRef(
        api_version="apps/v1", kind="Deployment", namespace=namespace, name=f"svc-{number:04}"
    )
    edits = set_fields(index, ref, {MEMORY: "777Mi"}, Hints("production"), programs)
    assert [e.path for e in edits] == [f"charts/svc-{number:04}/values-production.yaml"], edits


def _s(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
