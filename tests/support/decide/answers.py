"""What is answered to each made-up fault, without its sentences: cause, confidence, rivals, and what each plan changes.

`python -m tests.support.decide.answers` writes `tests/unit/decide/expected_answers.yaml` anew, for a person to read the
difference. Each fault is put on an application alone, and on one in company: an init container, a sidecar before it,
three replicas; in other circumstances; then one thing is changed in what it left behind, a few times.
`whole` is a digest of everything that is answered, `found` is what rules find before it is ranked.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from decide.core import diagnose
from decide.core.opinion import Verdict
from schemas.plans import ActionPlan, KubernetesChange
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.circumstances import CIRCUMSTANCES
from tests.support.decide.clusters import Cluster
from tests.support.decide.varied import variations
from tests.support.decide.whole import digest_of, found_in

EXPECTED = Path(__file__).resolve().parents[2] / "unit" / "decide" / "expected_answers.yaml"
SCENES = ("alone", "in company")
_COMPANY = {
    "initContainers": {"name": "prepare", "image": "registry.example/prepare:3"},
    "containers": {"name": "proxy", "image": "registry.example/proxy:7"},
}
_RESOURCES = {
    "requests": {"cpu": "50m", "memory": "64Mi"},
    "limits": {"cpu": "60m", "memory": "64Mi"},
}


def answer(key: str, scene: str) -> dict[str, Any]:
    """The answer to one fault in one scene, with `APP` and `NS` for the names that are made up."""
    cluster, app = _ground()
    FAULTS[key](cluster, app)
    if scene == "in company":
        _accompany(cluster, app)
    return _answer(cluster, app)


def _ground() -> tuple[Cluster, str]:
    cluster = Cluster(21)
    for _ in range(4):
        cluster.app()
    return cluster, cluster.app()


def _answer(cluster: Cluster, app: str) -> dict[str, Any]:
    verdict = diagnose(cluster.bundle())
    return _told(verdict, cluster, app)


def _told(verdict: Verdict, cluster: Cluster, app: str) -> dict[str, Any]:
    found: dict[str, Any] = {"status": " ".join(filter(None, (verdict.status, verdict.reason)))}
    if verdict.analysis is not None:
        analysis = verdict.analysis
        found["cause"] = f"{analysis.failure_class} of {analysis.object.key}, {analysis.severity}"
        found["affected"] = " ".join(analysis.affected_services)
        found["hypotheses"] = [
            f"{h.confidence} {h.failure_class} of {h.object.key} by {' '.join(h.evidence_for)}"
            for h in analysis.hypotheses
        ]
        found["evidence"] = [
            " ".join(
                map(str, (e.id, e.source, e.object.key if e.object else "", e.value or "", e.unit))
            )
            for e in analysis.evidence
        ]
    found["plans"] = [_plan(plan) for plan in verdict.plans]
    found["whole"] = digest_of(verdict)
    answered: dict[str, Any] = json.loads(_named(json.dumps(found), cluster, app))
    return answered


def _named(text: str, cluster: Cluster, app: str) -> str:
    return text.replace(app, "APP").replace(cluster.namespace, "NS")


def _varied(key: str, alone: Mapping[str, Any]) -> dict[str, Any]:
    """By what was changed: what is answered otherwise then, shortly; `the same` where nothing is."""
    found: dict[str, Any] = {}
    cluster, app = _ground()
    for told, varied in variations(FAULTS[key], app, cluster, key):
        answered = _answer(varied, app)
        same = answered == alone
        found[_named(told, cluster, app)] = "the same" if same else _short(answered, alone)
    return found


def _short(answered: Mapping[str, Any], alone: Mapping[str, Any]) -> dict[str, Any]:
    other = {name: value for name, value in answered.items() if alone.get(name) != value}
    if "hypotheses" in other:
        other["hypotheses"] = other["hypotheses"][:1]
    other.pop("evidence", None)
    return other


def _plan(plan: ActionPlan) -> dict[str, Any]:
    return {
        "fix": f"{plan.fix_kind} {plan.confidence} by {' '.join(plan.evidence)}, {len(plan.risks)} risks",
        "changes": {
            f"{change.action} {change.object.api_version} {change.object.key}": list(
                _fields(change)
            )
            for change in plan.kubernetes_changes
        },
    }


def _fields(change: KubernetesChange) -> Iterator[Any]:
    if change.manifest is not None:
        yield dict(change.manifest)
    for one in change.fields:
        yield f"{one.op} {one.path}: {json.dumps(one.before)} → {json.dumps(one.after)}"


def _accompany(cluster: Cluster, app: str) -> None:
    """Company for the application's container, in its Deployment, its ReplicaSets and its pods."""
    deployment = cluster.get("deployments", app)
    for place, field in (("spec", "replicas"), ("status", "replicas"), ("status", "readyReplicas")):
        deployment[place][field] = 3 * deployment[place].get(field, 0)
    specs = [deployment["spec"]["template"]["spec"]]
    for replica_set in cluster.objects["replicasets"]:
        owners: Sequence[Mapping[str, Any]] = replica_set["metadata"].get("ownerReferences", ())
        if any(owner["name"] == app for owner in owners):
            specs.append(replica_set["spec"]["template"]["spec"])
    for pod in cluster.objects["pods"]:
        if (pod["metadata"].get("labels") or {}).get("app") != app:
            continue
        specs.append(pod["spec"])
        statuses = pod["status"].get("containerStatuses")
        if statuses:
            running = {"name": "proxy", "ready": True, "restartCount": 0, "state": {"running": {}}}
            statuses.insert(0, running)
    for spec in specs:
        if any(one["name"] == "proxy" for one in spec["containers"]):
            continue  # shared with another of them
        for place, made in _COMPANY.items():
            company = {**copy.deepcopy(made), "resources": copy.deepcopy(_RESOURCES)}
            spec[place] = [company, *spec.get(place, ())]


def answers(key: str) -> dict[str, Any]:
    """The answers to one fault in all scenes; in company only what differs from alone."""
    alone, company = (answer(key, scene) for scene in SCENES)
    differing = {name: value for name, value in company.items() if alone.get(name) != value}
    found: dict[str, Any] = {SCENES[0]: alone} | ({SCENES[1]: differing} if differing else {})
    found |= {"found": _found(key), "elsewhere": _elsewhere(key, alone)}
    return found | {"with one thing changed": _varied(key, alone)}


def _found(key: str) -> list[str]:
    """What the rules find before it is ranked."""
    cluster, app = _ground()
    FAULTS[key](cluster, app)
    named: list[str] = json.loads(_named(json.dumps(found_in(cluster.bundle())), cluster, app))
    return named


def _elsewhere(key: str, alone: Mapping[str, Any]) -> dict[str, str]:
    """By circumstance that makes the answer another: its cause, fixes and digest."""
    found = {}
    for told, arrange in CIRCUMSTANCES.items():
        cluster, app = _ground()
        FAULTS[key](cluster, app)
        answered = _told(diagnose(arrange(cluster, app)), cluster, app)
        if answered == alone:
            continue
        fixes = ", ".join(plan["fix"].split(" by ")[0] for plan in answered["plans"]) or "no plan"
        cause = answered.get("cause", answered["status"])
        found[told] = f"{cause}; {fixes}; {answered['whole']}"
    return found


def write() -> None:
    """Writes all answers."""
    found = {key: answers(key) for key in sorted(FAULTS)}
    head = "# Answers to the made-up faults: tests/support/decide/answers.py writes them.\n"
    body = yaml.safe_dump(found, sort_keys=False, width=200, allow_unicode=True)
    EXPECTED.write_text(head + body)


if __name__ == "__main__":
    write()
