"""What every check says about made-up plans: its verdict, its sentence and its numbers.

`python -m tests.support.safety.answers` writes `tests/unit/safety/expected_answers.yaml` anew, for a person to read the
difference. Each plan is examined on a namespace with everything that bounds it, and again with one thing there left out,
more or less.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from manifests.refused import EditRefused
from safety.core import Findings, Policy, check_plan
from safety.core.policy import EnvironmentPolicy
from schemas.base import Environment, ObjectRef
from schemas.context import SourceStatus
from schemas.plans import ActionPlan, FieldChange, FixKind, KubernetesChange
from schemas.validated import ValidatedPlan
from tests.unit.safety.test_safety_checks import (
    MEMORY,
    PROVEN,
    REF,
    candidate,
    cpu,
    deployment,
    objects,
    pattern,
    plan,
    replicas,
)

EXPECTED = Path(__file__).resolve().parents[2] / "unit" / "safety" / "expected_answers.yaml"
HPA = ObjectRef(
    api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", namespace="shop", name="api"
)
_REQUEST = MEMORY.replace("limits", "requests")
#: Variations of one plan's namespace that are examined.
_VARIED = 45


def _created(**spec: Any) -> ActionPlan:
    made = deployment(**spec)
    made["metadata"] = {"name": "new", "namespace": "shop"}
    change = KubernetesChange(
        object=REF.model_copy(update={"name": "new"}), action="create", manifest=made
    )
    return plan(kind="create_object").model_copy(update={"kubernetes_changes": (change,)})


def _field(path: str, before: Any, after: Any, kind: FixKind, op: Any = "replace") -> ActionPlan:
    ref = HPA if kind == "set_autoscaler_bounds" else REF
    return plan(FieldChange(path=path, before=before, after=after, op=op), kind=kind, ref=ref)


def _gone() -> ActionPlan:
    change = KubernetesChange(object=HPA, action="delete")
    return plan().model_copy(update={"kubernetes_changes": (change,)})


def _with(first: ActionPlan, then: ActionPlan) -> ActionPlan:
    both = (*first.kubernetes_changes, *then.kubernetes_changes)
    return first.model_copy(update={"kubernetes_changes": both})


PLANS: Mapping[str, ActionPlan] = {
    "cpu doubled": plan(cpu("400m")),
    "cpu below its request": plan(cpu("50m")),
    "cpu ninefold": plan(cpu("1800m")),
    "no amount": plan(cpu("much")),
    "memory doubled": _field(MEMORY, "256Mi", "512Mi", "set_memory"),
    "memory of a request beyond every node": _field(_REQUEST, "128Mi", "9Gi", "set_memory"),
    "memory no more limited": _field(MEMORY, "256Mi", None, "set_memory", "remove"),
    "one replica": plan(replicas(1), kind="set_replicas"),
    "no replica": plan(replicas(0), kind="set_replicas"),
    "four replicas": plan(replicas(4), kind="set_replicas"),
    "sixty replicas": plan(replicas(60), kind="set_replicas"),
    "wider autoscaler": _field("spec.maxReplicas", 4, 6, "set_autoscaler_bounds"),
    "much wider autoscaler": _field("spec.maxReplicas", 4, 60, "set_autoscaler_bounds"),
    "another image": _field(
        "spec.template.spec.containers[name=app].image", None, "api:2", "set_image", "add"
    ),
    "a field that is not there": _field("spec.paused", True, False, "other"),
    "an object more": _created(),
    "a large object more": _created(replicas=70),
    "an object more and cpu ninefold": _with(_created(), plan(cpu("1800m"))),
    "an object less and cpu ninefold": _with(_gone(), plan(cpu("1800m"))),
}


def world() -> dict[str, list[Any]]:
    """A namespace in which everything bounds a workload."""
    quota = {
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "shop"},
        "spec": {"hard": {"limits.cpu": "2", "requests.memory": "2Gi", "pods": "6"}},
        "status": {
            "hard": {"limits.cpu": "2", "requests.memory": "2Gi", "pods": "6"},
            "used": {"limits.cpu": "400m", "requests.memory": "256Mi", "pods": "2"},
        },
    }
    limits = {
        "metadata": {"name": "l", "namespace": "shop"},
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "min": {"cpu": "50m"},
                    "max": {"cpu": "1", "memory": "600Mi"},
                    "maxLimitRequestRatio": {"cpu": "5"},
                },
                {"type": "Pod", "max": {"memory": "1Gi"}},
            ]
        },
    }
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {
            "minReplicas": 2,
            "maxReplicas": 4,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
        },
        "status": {"currentReplicas": 2},
    }
    budget = {
        "apiVersion": "policy/v1",
        "metadata": {"name": "b", "namespace": "shop"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "api"}}},
        "status": {"disruptionsAllowed": 1},
    }
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    made = {**deployment(strategy=rolling), "status": {"replicas": 2}}
    other = copy.deepcopy(objects()["nodes"][0])
    other["metadata"]["name"] = "n2"
    other["status"]["allocatable"] = {"cpu": "2", "memory": "4Gi"}
    return objects(
        deployments=[made],
        resourcequotas=[quota],
        limitranges=[limits],
        horizontalpodautoscalers=[scaler],
        poddisruptionbudgets=[budget],
        nodes=[*objects()["nodes"], other],
    )


def answers(name: str) -> dict[str, Any]:
    """The checks of one plan, and by what is said otherwise the things that change it."""
    whole = _answer(name, world())
    groups: dict[str, list[str]] = {}
    for told, varied in _variations(world()):
        answered = _answer(name, varied)
        different = {key: value for key, value in answered.items() if whole.get(key) != value}
        groups.setdefault(json.dumps(different, sort_keys=True), []).append(told)
    for told, done in _settings(name):
        answered = _told(done)
        different = {key: value for key, value in answered.items() if whole.get(key) != value}
        groups.setdefault(json.dumps(different, sort_keys=True), []).append(told)
    return whole | {
        "with one thing changed": [
            {"changed": told, "answered": json.loads(key) or "the same"}
            for key, told in groups.items()
        ]
    }


def _answer(name: str, found: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return _told(_examined(name, found))


def _examined(
    name: str,
    found: Mapping[str, Sequence[Any]],
    environment: Environment = "production",
    policy: Policy | None = None,
    findings: Findings = PROVEN,
    **context: Any,
) -> ValidatedPlan:
    asked = candidate(environment, **context)
    return check_plan(PLANS[name], asked, found, policy or Policy(), findings)


def _told(done: ValidatedPlan) -> dict[str, Any]:
    checks = {
        one.name: f"{one.verdict}: {one.reason} {dict(one.numbers) or ''}".strip()
        for one in done.checks
        if one.verdict != "pass" or one.numbers or one.name not in PROVEN.results
    }
    told = {"accepted": done.accepted, "rejected by": list(done.rejected_by), **checks}
    plain: dict[str, Any] = json.loads(json.dumps(told))
    return plain


def _settings(name: str) -> Iterator[tuple[str, ValidatedPlan]]:
    """The same namespace under other policies, findings and circumstances."""
    for environment in ("staging", "development", "unknown"):
        yield f"in {environment}", _examined(name, world(), environment)
    for told, policy in {
        "a factor of nine": Policy(max_factor=9.0),
        "small ceilings": Policy(max_replicas=3, max_cpu_cores=0.3, max_memory_mib=300.0),
        "nobody may": Policy(production=EnvironmentPolicy(propose=False)),
        "only images": Policy(production=EnvironmentPolicy(allowed_fixes=("set_image",))),
        "unrendered": Policy(unrendered_in_production=True),
        "protected": Policy(protected_namespaces=("shop",)),
    }.items():
        yield told, _examined(name, world(), policy=policy)
    for told, findings in {
        "nothing found": Findings("nobody could try"),
        "edit refused": Findings(EditRefused("STALE", "it is " + "long " * 90), PROVEN.results),
        "no edits": Findings([], PROVEN.results),
        "not rendered": Findings(
            PROVEN.edits, {k: v for k, v in PROVEN.results.items() if k != "render"}
        ),
    }.items():
        yield told, _examined(name, world(), findings=findings)
    kind = PLANS[name].fix_kind
    for told, failed in {
        "failed once": (pattern(fix_kind=kind),),
        "failed three times": tuple(
            pattern(fix_kind=kind, incident_id=f"inc-{n}") for n in range(3)
        ),
        "failed the same": (pattern(changes_hash=PLANS[name].changes_hash),),
        "failed elsewhere": (pattern(fix_kind=kind, object_key="Deployment/shop/web"),) * 3,
    }.items():
        yield told, _examined(name, world(), failed_patterns=failed)
    missing = SourceStatus(name="memory", state="missing")
    yield "no memory", _examined(name, world(), sources=(missing,))


def _variations(found: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, dict[str, list[Any]]]]:
    spots = [
        (kind, at, place)
        for kind, items in found.items()
        for at, item in enumerate(items)
        for place in _spots(item)
    ]
    tried = [(spot, how) for spot in spots for how in ("left out", "more", "otherwise")]
    for (kind, at, place), how in tried[:: max(1, -(-len(tried) // _VARIED))]:
        varied = copy.deepcopy({name: list(items) for name, items in found.items()})
        node = varied[kind][at]
        for key in place[:-1]:
            node = node[key]
        if how == "left out":
            del node[place[-1]]
        else:
            node[place[-1]] = _other(node[place[-1]], how)
        yield f"{kind} {at} {'.'.join(map(str, place))} {how}", varied


def _spots(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside: Sequence[tuple[Any, Any]] = ()
    if isinstance(node, dict):
        inside = list(node.items())
    elif isinstance(node, list):
        inside = list(enumerate(node))
    for key, value in inside:
        yield (*place, key)
        yield from _spots(value, (*place, key))


def _other(value: Any, how: str) -> Any:
    if isinstance(value, int):
        return value * 3 + 1 if how == "more" else 0
    if isinstance(value, str) and value[:1].isdigit():
        return f"9{value}" if how == "more" else "0"
    if isinstance(value, str):
        return f"{value}x"
    return [] if isinstance(value, list) else {}


def write() -> None:
    """Writes the page anew."""
    head = "# Answers to made-up plans: tests/support/safety/answers.py writes them.\n"
    body = yaml.dump(
        {name: answers(name) for name in PLANS},
        Dumper=yaml.CSafeDumper,
        sort_keys=False,
        allow_unicode=True,
        width=240,
    )
    EXPECTED.write_text(head + body)


if __name__ == "__main__":
    write()
