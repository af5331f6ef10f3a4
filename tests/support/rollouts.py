"""Rows of the table of measured rollouts as the objects that a cluster would have shown, and what the arithmetic makes of them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from manifests.objects import quantities
from manifests.objects.resources import counted
from manifests.objects.rollouts.course import Course
from manifests.objects.rollouts.reading import Beside, course
from tools.lab.rollouts.cases import Case, Step, read
from tools.lab.rollouts.objects import NAME, template, workload

TABLE = Path(__file__).parents[1] / "corpus" / "rollouts.jsonl"
SPACE = "shop"


@cache
def rows() -> list[dict[str, Any]]:
    """The measured table."""
    return [json.loads(line) for line in TABLE.read_text().splitlines()]


def ended(row: dict[str, Any]) -> tuple[int, int, int]:
    """Pods of the last step's template that were made and that were ready, and pods of others, at the end."""
    last = row["steps"][-1]["template"]
    if row["kind"] == "Deployment":
        made = sum(count for letter, (_, count, _) in row["after"].items() if letter != last)
        _, new, ready = row["after"].get(last, (0, 0, 0))
        return new, ready, made
    new_ready = [ready for letter, ready in row["after"].values() if letter == last]
    return len(new_ready), sum(new_ready), len(row["after"]) - len(new_ready)


def computed(row: dict[str, Any]) -> Course:
    """What the arithmetic says of a row, from the state before its last step."""
    case = read(row)
    before, after = (workload(case, step, SPACE) for step in case.steps[-2:])
    status = "desiredNumberScheduled"
    for item, step in zip((before, after), case.steps[-2:], strict=True):
        item["status"] = {status: step.replicas} if case.kind == "DaemonSet" else {}
    beside = _sets(case, row) if case.kind == "Deployment" else _pods(case, row)
    hard = {name: quantities.parse(value) for name, value in case.hard.items()}
    free = course(before, after, counted, beside)
    assert free is not None
    room = {name: most - free.start.get(name, 0) for name, most in hard.items()}
    found = course(before, after, counted, beside, room)
    assert found is not None
    return found


def _meta(case: Case, name: str, **more: Any) -> dict[str, Any]:
    owner = {"kind": case.kind, "name": NAME, "controller": True}
    return {"name": name, "namespace": SPACE, "ownerReferences": [owner], **more}


def _sets(case: Case, row: dict[str, Any]) -> Beside:
    found = []
    for number, (letter, (wanted, made, ready)) in enumerate(row["before"].items()):
        meta = _meta(case, f"{NAME}-{letter}", creationTimestamp=f"2026-01-0{number + 1}T00:00:00Z")
        spec = {"replicas": wanted, "template": template(case, Step(letter, 1))}
        status = {"replicas": made, "readyReplicas": ready}
        found.append({"kind": "ReplicaSet", "metadata": meta, "spec": spec, "status": status})
    return Beside(replicasets=found)


def _pods(case: Case, row: dict[str, Any]) -> Beside:
    pods, revisions = [], []
    for letter in dict.fromkeys(step.template for step in case.steps):
        step = next(s for s in case.steps if s.template == letter)
        data = {"spec": {"template": {**template(case, step), "$patch": "replace"}}}
        meta = _meta(case, f"{NAME}-{letter}")
        revisions.append({"kind": "ControllerRevision", "metadata": meta, "data": data})
    for name, (letter, ready) in row["before"].items():
        step = next(s for s in case.steps if s.template == letter)
        labels = {"controller-revision-hash": f"{NAME}-{letter}"}
        condition = {"type": "Ready", "status": "True" if ready else "False"}
        status = {"phase": "Running", "conditions": [condition]}
        meta = _meta(case, f"{NAME}-{name}", labels=labels)
        spec = template(case, step)["spec"]
        pods.append({"kind": "Pod", "metadata": meta, "spec": spec, "status": status})
    return Beside(pods=pods, revisions=revisions)
