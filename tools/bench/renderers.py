"""Edits that are proven by rendering, in repositories of 1,000 charts and of 1,000 bases: against the same asks in ten.

Without helm and kustomize there is nothing to measure.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from kfix.infra.clients.renderers import Programs, Rendering, installed
from kfix.infra.settings import load
from manifests.proposal.propose import set_fields
from manifests.repository.index import Blobs, RepositoryIndex, build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef
from tools.repositories import parts

TITLE = "renderers: one value of one of 1,000 charts, one overlay of 1,000 bases, against ten"
FEW, MANY = 10, 1_000
ENVIRONMENTS = ("dev", "staging", "production")
MEMORY = "spec.template.spec.containers[name=api].resources.limits.memory"
_VALUES = """\
replicaCount: 2
image: {{repository: registry.example/svc-{n:04}, tag: 1.0.{n}}}
resources:
  limits: {{cpu: 500m, memory: 256Mi}}
  requests: {{cpu: 100m, memory: 64Mi}}
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
    """Charts, each with three environments; half are installed by an Application for each, which a Kustomization lists."""
    files: dict[str, bytes | str] = {}
    for n in range(charts):
        folder = f"charts/svc-{n:04}"
        files |= parts.chart(folder)
        files[f"{folder}/values.yaml"] = _VALUES.format(n=n)
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


def overlaid(bases: int) -> dict[str, bytes | str]:
    """Bases, each with three overlays that an Application or a Flux Kustomization installs."""
    files: dict[str, bytes | str] = {}
    for n in range(bases):
        folder, name = f"apps/svc-{n:04}", f"svc-{n:04}"
        files[f"{folder}/base/api.yaml"] = parts.deployment(name)
        files[f"{folder}/base/kustomization.yaml"] = parts.kustomization("api.yaml")
        for env in ENVIRONMENTS:
            overlay = f"{folder}/overlays/{env}"
            text = parts.kustomization("../../base", more=f"namespace: shop-{n % 20}\n")
            files[f"{overlay}/kustomization.yaml"] = text
            files[f"clusters/{env}/{name}.yaml"] = (
                parts.flux(f"./{overlay}", name=name)
                if n % 2
                else parts.application(f"{name}-{env}", env, overlay, f"shop-{n % 20}")
            )
    for env in ENVIRONMENTS:
        listed = (f"svc-{n:04}.yaml" for n in range(bases))
        files[f"clusters/{env}/kustomization.yaml"] = parts.kustomization(*listed)
    return files


def run() -> dict[str, float]:
    """Seconds of asks in both repositories, on the clock and of processors (programs included), and how many times more
    of the latter one takes in the large one."""
    programs = installed(load(Rendering))
    if not (programs.helm and programs.kustomize):
        print("helm or kustomize is not on PATH: nothing is measured")
        return {}
    figures: dict[str, float] = {}
    for kind, make, elsewhere in (
        ("charts", repository, "charts/svc-0000/values.yaml"),
        ("overlays", overlaid, "apps/svc-0000/base/api.yaml"),
    ):
        for size, name in ((FEW, "few"), (MANY, "many")):
            for what, (clock, cpu) in _asked(make(size), size, elsewhere).items():
                figures |= {f"{kind}_{name}_{what}_s": clock, f"{kind}_{name}_{what}_cpu_s": cpu}
        for what in ("first", "second", "other"):
            few, many = (figures[f"{kind}_{name}_{what}_cpu_s"] for name in ("few", "many"))
            figures[f"{kind}_{what}_many_to_few"] = many / few
    for name, value in figures.items():
        print(f"{name:32} {value:8.2f}")
    return figures


def _asked(
    files: dict[str, bytes | str], size: int, elsewhere: str
) -> dict[str, tuple[float, float]]:
    """Of an empty cache; of two more objects of the same commit (the last chart is installed by nobody); after a commit
    elsewhere."""
    blobs, programs = Blobs(), installed(load(Rendering))
    index = build(files, blobs, branches=("main",))
    found = {"first": _s(lambda: _ask(index, size // 2 + 1, programs))}
    found["second"] = _s(lambda: _ask(index, size // 2 - 1, programs))
    found["other"] = _s(lambda: _ask(index, size // 2, programs))
    files[elsewhere] = f"{files[elsewhere]!s}# a commit elsewhere\n"
    later = build(files, blobs, branches=("main",))
    found["later"] = _s(lambda: _ask(later, size // 2 + 1, programs))
    return found


def _ask(index: RepositoryIndex, number: int, programs: Programs) -> None:
    anywhere = f"charts/svc-{number:04}/Chart.yaml" in index.texts and number % 2 == 0
    namespace = "shop" if anywhere else f"shop-{number % 20}"
    ref = ObjectRef(
        api_version="apps/v1", kind="Deployment", namespace=namespace, name=f"svc-{number:04}"
    )
    edits = set_fields(index, ref, {MEMORY: "777Mi"}, Hints("production"), programs)
    assert edits, ref
    assert all(f"svc-{number:04}" in e.path and "production" in e.path for e in edits), edits


def _s(call: Callable[[], object]) -> tuple[float, float]:
    started, before = time.perf_counter(), os.times()
    call()
    now = os.times()
    return time.perf_counter() - started, sum(now[:4]) - sum(before[:4])
