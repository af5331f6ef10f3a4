"""The rules alone: how long one diagnosis with its plans takes, against decoding the same bundle.

On the corpus of this repository, and on a namespace of ordinary size with and without 5,000 healthy pods around it,
their controllers, Services, endpoints and events included: a whole cluster's dump must not cost twice as much.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from decide.core import diagnose
from decide.core.diagnosis import diagnose as ranked
from decide.core.planning import propose
from decide.core.proof.proving import prove
from enrich.adapters.capture import read_capture
from kfix.offline.diagnose import bundle_of, case_of
from schemas.context import ContextBundle

TITLE = "rules: one diagnosis with plans, against decoding its bundle"
CASES = Path("tests/corpus/cases")
ROUNDS = 20
#: Workloads of the incident's namespace, one pod each: a shop of microservices.
ORDINARY = 40
#: Pods around it, ten a workload.
GROWN = 5_000


def run() -> dict[str, float]:
    """Milliseconds and ratios."""
    bundles = [_bundle(path) for path in sorted(CASES.iterdir())]
    raw = [bundle.model_dump_json().encode() for bundle in bundles]
    decoded = [
        _ms(lambda b=b: ContextBundle.model_validate_json(b)) for b in raw for _ in range(ROUNDS)
    ]  # type: ignore[misc]
    thought = [_ms(lambda b=b: diagnose(b)) for b in bundles for _ in range(ROUNDS)]  # type: ignore[misc]
    shop = _with_neighbours(bundles[0], ORDINARY, 1, bundles[0].k8s_context.namespace)
    cluster = _with_neighbours(shop, GROWN // 10, 10, "elsewhere")
    pairs = [(_ms(lambda: diagnose(shop)), _ms(lambda: diagnose(cluster))) for _ in range(ROUNDS)]
    proofs = [ms for bundle in bundles for ms in _proofs(bundle)]
    small, large = (statistics.median(column) for column in zip(*pairs, strict=True))
    figures = {
        "median_ms": statistics.median(thought),
        "p99_ms": statistics.quantiles(thought, n=100)[98],
        "decode_median_ms": statistics.median(decoded),
        "ratio_to_decoding": statistics.median(thought) / statistics.median(decoded),
        "proof_of_a_plan_ms": statistics.median(proofs),
        "ratio_of_a_proof": statistics.median(proofs) / statistics.median(thought),
        "ordinary_ms": small,
        "pods_5000_ms": large,
        "ratio_of_5000_pods": large / small,
    }
    for name, value in figures.items():
        print(f"{name:20} {value:8.2f}")
    return figures


def _ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _proofs(bundle: ContextBundle) -> list[float]:
    """What it takes to ask whether each of the plans removes the cause, once for each."""
    diagnosis = ranked(bundle)
    plans = propose(diagnosis).plans
    first = diagnosis.findings[0]
    return [
        _ms(lambda p=p: prove(first, p.kubernetes_changes, diagnosis.view))  # type: ignore[misc]
        for p in plans
        for _ in range(ROUNDS)
    ]


def _bundle(path: Path) -> ContextBundle:
    case = case_of(path)
    return bundle_of(case, read_capture(case.dump, case.repository, case.folder))


def _with_neighbours(
    bundle: ContextBundle, workloads: int, pods: int, namespace: str
) -> ContextBundle:
    """Copies of a healthy workload beside the incident, each with ReplicaSet, Service, endpoints, an event, and pods."""
    objects = {kind: list(found) for kind, found in bundle.k8s_context.objects.items()}
    pod = next(p for p in objects["pods"] if p["status"]["containerStatuses"][0]["ready"])
    app = pod["metadata"]["name"].rsplit("-", 2)[0]
    model = {
        kind: next(o for o in objects[kind] if o["metadata"]["name"].startswith(app))
        for kind in ("deployments", "replicasets", "services", "endpoints")
    }
    space = pod["metadata"]["namespace"]
    for number in range(workloads):
        name = f"{namespace}-{number}"
        for kind, one in model.items():
            objects[kind].append(_renamed(one, app, name, space, namespace))
        for ordinal in range(pods):
            copied = _renamed(pod, app, name, space, namespace)
            copied["metadata"]["name"] += f"{ordinal:05}"
            objects["pods"].append(copied)
        about = {"kind": "Pod", "namespace": namespace, "name": copied["metadata"]["name"]}
        event = {"metadata": {"name": f"{name}.1", "namespace": namespace}, "involvedObject": about}
        objects.setdefault("events", []).append(event | {"type": "Normal", "reason": "Started"})
    context = bundle.k8s_context.model_copy(update={"objects": objects})
    return bundle.model_copy(update={"k8s_context": context})


def _renamed(model: Any, app: str, name: str, space: str, namespace: str) -> dict[str, Any]:
    text = orjson.dumps(model).decode().replace(app, name).replace(f'"{space}"', f'"{namespace}"')
    made: dict[str, Any] = orjson.loads(text)
    return made
