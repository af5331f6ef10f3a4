"""What a builder of plans drafts for a finding on a small made-up cluster, in lines that a test can state.

A draft is its kind, weight and title; then what is not said otherwise everywhere: its reason, its risks, its time unless it
is that of a rolling update, and each field that it changes. Sentences are ids with parameters; ``:`` is the pod template's spec.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from decide.core.drafting.drafts import ROLLING, PlanDraft
from decide.core.facts import Facts
from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange
from schemas.text import Text, text_of
from tests.support.decide.clusters import AT, Cluster

Builder = Callable[[Any, ClusterView], list[PlanDraft]]
_POD_SPECS = ("spec.jobTemplate.spec.template.spec.", "spec.template.spec.")


def shop(*apps: str) -> Cluster:
    """Applications of the namespace ``shop``, each healthy with one container ``main`` at port 8080; ``web`` without names."""
    cluster = Cluster(5)
    cluster.namespace = "shop"
    cluster.nodes = ["n1", "n2", "n3"]
    cluster.objects["nodes"] = [cluster.node(name) for name in cluster.nodes]
    for app in apps or ("web",):
        cluster.app(app, port=8080)
    return cluster


#: What going back drafts for an application that ``changed_lately``.
BACK = [
    "rollback_revision 0.85 drafting.back.title revision=1 workload=web",
    "  why drafting.back.why count=1 name=web-before revision=1",
    "  risk drafting.risk.only_change",
    '  apps/v1 Deployment/shop/web :containers[name=main].env: - [{"name": "NEW", "value": "x"}]',
]


def changed_lately(cluster: Cluster, app: str = "web") -> None:
    """Its container ``main`` has got a variable ``NEW`` half an hour ago, and the revision before is still there."""
    now = cluster.get("deployments", app)
    sets = cluster.objects["replicasets"]
    child = next(one for one in sets if one["metadata"]["ownerReferences"][0]["name"] == app)
    before = copy.deepcopy(child)
    before["metadata"] |= {
        "name": f"{app}-before",
        "annotations": {"deployment.kubernetes.io/revision": "1"},
        "creationTimestamp": "2026-05-01T00:00:00Z",
    }
    before["spec"]["template"]["spec"] = copy.deepcopy(pod_spec(cluster, app))
    sets.append(before)
    child["metadata"]["creationTimestamp"] = (AT - timedelta(minutes=30)).isoformat()
    child["status"]["readyReplicas"] = 0
    child["spec"]["template"]["spec"] = now["spec"]["template"]["spec"]
    main = next(one for one in pod_spec(cluster, app)["containers"] if one["name"] == "main")
    main["env"] = [*main.get("env", ()), {"name": "NEW", "value": "x"}]


def pod_spec(cluster: Cluster, app: str = "web") -> dict[str, Any]:
    """The pod spec of its controller's template."""
    found = next(
        one
        for plural in ("deployments", "statefulsets", "daemonsets", "cronjobs", "jobs")
        for one in cluster.objects.get(plural, ())
        if one["metadata"]["name"] == app
    )
    template = found["spec"].get("jobTemplate", found)["spec"]["template"]
    made: dict[str, Any] = template["spec"]
    return made


def workload_of(view: ClusterView, name: str) -> Workload:
    """The view's workload of the name."""
    return next(one for one in view.workloads if one.name == name)


def drafted(
    builder: Builder,
    cluster: Cluster,
    facts: Callable[[Workload, ClusterView], Facts],
    *,
    of: str = "",
    at: ObjectRef | None = None,
    app: str = "web",
) -> list[str]:
    """The lines of what ``builder`` drafts for a finding of class ``of`` with these facts, at ``at`` or at the application."""
    view = ClusterView(cluster.bundle())
    workload = workload_of(view, app)
    finding = Finding(
        failure_class=of,
        object=at or workload.ref,
        score=0.9,
        detail="seen",
        facts=facts(workload, view),
    )
    return shown(builder(finding, view))


def shown(drafts: Iterable[PlanDraft]) -> list[str]:
    """The lines of drafts."""
    return [line for draft in drafts for line in _lines(draft)]


def _lines(draft: PlanDraft) -> Iterator[str]:
    yield f"{draft.fix_kind} {draft.weight:.4g} {_said(draft.title)}"
    yield f"  why {_said(draft.why)}"
    for risk in draft.risks:
        yield f"  risk {_said(risk)}"
    if draft.time != ROLLING:
        yield f"  time {_said(draft.time)}"
    for change in draft.changes:
        yield from _changed(change)


def _changed(change: KubernetesChange) -> Iterator[str]:
    ref = change.object
    place = " ".join(
        filter(None, (ref.api_version, "/".join(filter(None, (ref.kind, ref.namespace, ref.name)))))
    )
    if change.manifest is not None:
        beside = f" beside {change.beside.key}" if change.beside else ""
        yield f"  {change.action} {place}{beside}: {_json(dict(change.manifest))}"
    for one in change.fields:
        path = one.path
        for long in _POD_SPECS:
            path = ":" + path.removeprefix(long) if path.startswith(long) else path
        if one.op == "add":
            yield f"  {place} {path}: + {_json(one.after)}"
        elif one.op == "remove":
            yield f"  {place} {path}: - {_json(one.before)}"
        else:
            yield f"  {place} {path}: {_json(one.before)} → {_json(one.after)}"


def _said(sentence: object) -> str:
    text = sentence if isinstance(sentence, Text) else text_of(sentence)
    if text is None:
        return str(sentence)
    filled = (f"{name}={_value(value)}" for name, value in sorted(text.parameters.items()))
    return " ".join((text.id, *filled))


def _value(value: Any) -> str:
    if isinstance(value, Text):
        return f"({_said(value)})"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
