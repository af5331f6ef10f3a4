"""The span editor: one edit of a manifest, against parsing the same text once; and what a bomb costs to refuse."""

from __future__ import annotations

import time
from collections.abc import Callable

import yaml

from manifests import NotEditable, patch
from manifests.text.edits import Delete, Edit, Insert, Replace

TITLE = "editor: one edit, against one parse of the same text"
ROUNDS = 15
BOMB = "x: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
#: About what one file of a deployment repository holds: 160 lines in four documents.
WORKLOAD = "---\n".join(
    f"""\
# Part {n} of the shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: part-{n}
  labels: {{app: part-{n}, team: payments}}
spec:
  replicas: {n + 1}
  selector:
    matchLabels:
      app: part-{n}
  template:
    metadata:
      labels:
        app: part-{n}
    spec:
      containers:
      - name: app
        image: "registry.example.com/shop/part-{n}:1.4.{n}"
        args: ["--listen", ":8080"]
        env:
        - name: LOG_LEVEL
          value: info
        - name: WORKERS
          value: "{n}"
        resources:
          requests:
            cpu: 100m
            memory: 128Mi
          limits:
            cpu: "1"
            memory: 256Mi
        livenessProbe:
          httpGet:
            path: /healthz
            port: 8080
          periodSeconds: 10
      nodeSelector:
        pool: spot
"""
    for n in range(4)
)
LIMIT = ("spec", "template", "spec", "containers", 0, "resources", "limits")
EDITS: dict[str, list[Edit]] = {
    "replace": [Replace(3, (*LIMIT, "memory"), "256Mi", "512Mi")],
    "insert": [Insert(3, LIMIT, "ephemeral-storage", "1Gi")],
    "exchange": [
        Delete(3, ("spec", "template", "spec", "nodeSelector", "pool"), "spot"),
        Insert(3, ("spec", "template", "spec", "nodeSelector"), "zone", "a"),
    ],
}


def run() -> dict[str, float]:
    """Milliseconds and ratios for a usual file, and for manifests of 100, 1,000 and 8,000 lines."""
    figures = {}
    parse = _ms(lambda: list(yaml.load_all(WORKLOAD, Loader=yaml.CSafeLoader)))
    for name, edits in EDITS.items():
        edit = _ms(lambda edits=edits: patch(WORKLOAD, edits))  # type: ignore[misc]
        figures |= {f"workload_{name}_ms": edit, f"workload_{name}_to_parse": edit / parse}
    for lines in (100, 1_000, 8_000):
        text = "".join(f"k{n}:\n  v: {n}\n" for n in range(lines // 2))
        edit = _ms(lambda text=text: patch(text, [Replace(0, ("k7", "v"), 7, 8)]))  # type: ignore[misc]
        parse = _ms(lambda text=text: yaml.load(text, Loader=yaml.CSafeLoader))  # type: ignore[misc]
        figures |= {f"edit_{lines}_ms": edit, f"edit_{lines}_to_parse": edit / parse}
    figures["bomb_refused_ms"] = _ms(_bomb)
    for name, value in figures.items():
        print(f"{name:28} {value:8.2f}")
    return figures


def _bomb() -> None:
    try:
        patch(BOMB, [Replace(0, ("x",), 1, 2)])
    except NotEditable:
        return
    raise AssertionError("a bomb was edited")


def _ms(call: Callable[[], object]) -> float:
    costs = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call()
        costs.append((time.perf_counter() - started) * 1000)
    return min(costs)
