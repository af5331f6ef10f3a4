"""A change that a model proposes: a word of a closed list, one of the incident's own objects, a number. Pure.

Nothing that a model writes becomes part of a plan. It names a fix, a target by its label and at most one number; this
module looks for a sign in the cluster's own state that the target suffers from what the fix repairs, bounds the number
by what stands there, and builds the typed change. Whatever fails is refused with a stable word.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard

from pydantic import BaseModel, ConfigDict, Field

from decide.core import measure
from decide.core.drafting.drafts import PlanDraft, container_path, patch, patch_workload
from decide.core.drafting.history import to_last_good
from decide.core.families.probes.asking import PROBES, handler, resolved
from decide.core.view import ClusterView
from manifests.objects import quantities
from manifests.objects.meta import condition
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.plans import Analysis

Fix = Literal[
    "set_memory",
    "set_cpu",
    "set_replicas",
    "set_autoscaler_bounds",
    "set_probe",
    "set_service_port",
    "rollback_revision",
]
#: How far a number may go above what stands there.
_FACTOR = 2.0
#: Usage from this share of the limit on counts as being at it.
_AT_LIMIT = 0.9
#: What a plan of a model is worth beside one of the rules.
_WEIGHT = 0.8
#: Targets that a question offers.
_MOST = 12
_ASK = [
    (
        "Proposed by a language model: check it twice",
        "Proposé par un modèle de langage : à vérifier deux fois",
    )
]


class ModelProposal(BaseModel):
    """What a model may ask for. ``number``: MiB, millicores, replicas or a port, as the fix says; none for a rollback."""

    model_config = ConfigDict(extra="forbid")

    fix: Fix
    #: Label of a target (``T1``).
    target: str = Field(max_length=8)
    number: int | None = Field(ge=1, le=1_000_000)


@dataclass(frozen=True, slots=True)
class ProposalTarget:
    """One of the incident's own objects, under the label that the question gives it."""

    label: str
    ref: ObjectRef
    container: str = ""


@dataclass(frozen=True, slots=True)
class RefusedProposal:
    """Why a proposal is dropped: a stable word."""

    reason: str


def targets(view: ClusterView, analysis: Analysis) -> tuple[ProposalTarget, ...]:
    """The objects that the hypotheses are about, with their containers: nothing else can be aimed at."""
    found: list[tuple[ObjectRef, str]] = []
    for hypothesis in analysis.hypotheses:
        ref = hypothesis.object
        workload = view.workload(ref.kind, ref.namespace, ref.name)
        if workload is not None:
            found += [(workload.ref, c.name) for c in workload.containers()]
            found += [(scaler, "") for scaler in _scalers(view, workload)]
        elif ref.kind in ("Service", "HorizontalPodAutoscaler"):
            found.append((ref, ""))
    distinct = list(dict.fromkeys(found, None))
    return tuple(ProposalTarget(f"T{n + 1}", *entry) for n, entry in enumerate(distinct[:_MOST]))


def _scalers(view: ClusterView, workload: Workload) -> list[ObjectRef]:
    return [
        ObjectRef(
            api_version=str(s.get("apiVersion") or "autoscaling/v2"),
            kind="HorizontalPodAutoscaler",
            namespace=workload.namespace,
            name=str(at(s, "metadata", "name") or ""),
        )
        for s in view.all("horizontalpodautoscalers")
        if at(s, "metadata", "namespace") == workload.namespace
        and at(s, "spec", "scaleTargetRef", "kind") == workload.kind
        and at(s, "spec", "scaleTargetRef", "name") == workload.name
    ]


def draft_of(
    view: ClusterView, offered: Sequence[ProposalTarget], proposal: ModelProposal, cause: ObjectRef
) -> PlanDraft | RefusedProposal:
    """The typed change that a proposal stands for, made to the object that is the cause or to its autoscaler."""
    target = next((t for t in offered if t.label == proposal.target), None)
    if target is None:
        return RefusedProposal("unknown_target")
    workload = view.workload(cause.kind, cause.namespace, cause.name)
    own = {cause.key, *(s.key for s in _scalers(view, workload))} if workload else {cause.key}
    if target.ref.key not in own:
        return RefusedProposal("plan_of_another_object")
    draft = _BUILDERS[proposal.fix](view, target, proposal.number)
    return (
        RefusedProposal("no_effect")
        if isinstance(draft, PlanDraft) and not draft.changes
        else draft
    )


Built = PlanDraft | RefusedProposal


def _workload(view: ClusterView, target: ProposalTarget) -> tuple[Workload, Container] | None:
    workload = view.workload(target.ref.kind, target.ref.namespace, target.ref.name)
    if workload is None or workload.kind == "Pod":
        return None
    found = next((c for c in workload.containers() if c.name == target.container), None)
    return None if found is None else (workload, found)


def _live(workload: Workload, name: str) -> list[Container]:
    return [c for p in workload.pods for c in p.containers() if c.name == name and not c.ends_first]


def _limit(container: Container, resource: str) -> float | None:
    value = at(container.spec, "resources", "limits", resource)
    try:
        return float(quantities.parse(str(value))) if value is not None else None
    except quantities.BadQuantity:
        return None


def _at_limit(view: ClusterView, workload: Workload, meaning: str, limit: float) -> bool:
    top = measure.peak(measure.usage(view, workload, meaning))
    return top is not None and top >= _AT_LIMIT * limit


def _bounded(wanted: int | None, now: float, least: float = 0.0) -> TypeGuard[int]:
    """More than what stands there, and at most twice it."""
    return wanted is not None and now < wanted <= max(least, math.floor(now * _FACTOR))


def _memory(view: ClusterView, target: ProposalTarget, wanted: int | None) -> Built:
    found = _workload(view, target)
    if found is None:
        return RefusedProposal("not_for_this_kind")
    workload, container = found
    limit = _limit(container, "memory")
    if limit is None:
        return RefusedProposal("no_limit_to_raise")
    killed = any(c.terminated.get("reason") == "OOMKilled" for c in _live(workload, container.name))
    if not killed and not _at_limit(view, workload, "memory", limit):
        return RefusedProposal("no_independent_signal")
    if not _bounded(wanted, limit / 2**20):
        return RefusedProposal("out_of_bounds")
    text = quantities.format_memory(wanted * 2**20)
    return _higher(
        view,
        workload,
        container.name,
        limit=("memory", "memory limit", "la limite de mémoire"),
        sign=("killed or at its memory limit", "tué ou à sa limite de mémoire"),
        text=text,
    )


def _cpu(view: ClusterView, target: ProposalTarget, wanted: int | None) -> Built:
    found = _workload(view, target)
    if found is None:
        return RefusedProposal("not_for_this_kind")
    workload, container = found
    limit = _limit(container, "cpu")
    if limit is None:
        return RefusedProposal("no_limit_to_raise")
    throttled = measure.latest(measure.usage(view, workload, "throttled")) or 0.0
    if throttled <= 0 and not _at_limit(view, workload, "cpu", limit):
        return RefusedProposal("no_independent_signal")
    if not _bounded(wanted, limit * 1000):
        return RefusedProposal("out_of_bounds")
    text = quantities.format_cpu(wanted / 1000)
    return _higher(
        view,
        workload,
        container.name,
        limit=("cpu", "CPU limit", "la limite de CPU"),
        sign=("throttled or at its CPU limit", "bridé ou à sa limite de CPU"),
        text=text,
    )


def _higher(
    view: ClusterView,
    workload: Workload,
    container: str,
    *,
    limit: tuple[Literal["cpu", "memory"], str, str],
    sign: tuple[str, str],
    text: str,
) -> PlanDraft:
    """A higher limit. ``limit``: the resource, and its limit in English and French; ``sign``: why, in both."""
    resource, english, french = limit
    return PlanDraft(
        fix_kind="set_cpu" if resource == "cpu" else "set_memory",
        title=(
            f"Raise the {english} of {container} to {text}",
            f"Porter {french} de {container} à {text}",
        ),
        why=(
            f"{container} is {sign[0]}; new limit {text}.",
            f"{container} est {sign[1]} ; nouvelle limite {text}.",
        ),
        changes=patch_workload(
            view,
            workload,
            [(container_path(workload, container, f"resources.limits.{resource}"), text)],
        ),
        weight=_WEIGHT,
        risks=_ASK,
    )


def _replicas(view: ClusterView, target: ProposalTarget, wanted: int | None) -> Built:
    found = _workload(view, target)
    if found is None or found[0].kind not in ("Deployment", "StatefulSet"):
        return RefusedProposal("not_for_this_kind")
    workload, container = found
    if _scalers(view, workload):
        return RefusedProposal("an_autoscaler_owns_it")
    services = view.services_of.get(workload.ref.key, [])
    idle = workload.desired == 0 and any(view.ready_addresses(s) == 0 for s in services)
    limit = _limit(container, "cpu")
    busy = limit is not None and _at_limit(view, workload, "cpu", limit)
    if not idle and not busy:
        return RefusedProposal("no_independent_signal")
    if not _bounded(wanted, workload.desired, least=1):
        return RefusedProposal("out_of_bounds")
    why = (
        f"{workload.desired} replicas are too few; {wanted} are proposed.",
        f"{workload.desired} réplicas ne suffisent pas ; {wanted} sont proposés.",
    )
    return PlanDraft(
        fix_kind="set_replicas",
        title=(
            f"Run {wanted} replica(s) of {workload.name}",
            f"Passer {workload.name} à {wanted} réplica(s)",
        ),
        why=why,
        changes=patch(view, workload.ref, workload.obj, [("spec.replicas", wanted)]),
        weight=_WEIGHT,
        risks=_ASK,
    )


def _ceiling(view: ClusterView, target: ProposalTarget, wanted: int | None) -> Built:
    ref = target.ref
    scaler = view.get("horizontalpodautoscalers", ref.namespace, ref.name)
    if ref.kind != "HorizontalPodAutoscaler" or scaler is None:
        return RefusedProposal("not_for_this_kind")
    limited = condition(scaler, "ScalingLimited")
    if limited.get("status") != "True" or limited.get("reason") != "TooManyReplicas":
        return RefusedProposal("no_independent_signal")
    most = number(at(scaler, "spec", "maxReplicas"))
    if not _bounded(wanted, most, least=most + 1):
        return RefusedProposal("out_of_bounds")
    why = (
        f"The autoscaler stands at its maximum of {most}.",
        f"L'autoscaler est à son maximum de {most}.",
    )
    return PlanDraft(
        fix_kind="set_autoscaler_bounds",
        title=(
            f"Raise maxReplicas of {ref.name} to {wanted}",
            f"Porter maxReplicas de {ref.name} à {wanted}",
        ),
        why=why,
        changes=patch(view, ref, scaler, [("spec.maxReplicas", wanted)]),
        weight=_WEIGHT,
        risks=_ASK,
    )


def _probe_port(view: ClusterView, target: ProposalTarget, wanted: int | None) -> Built:
    found = _workload(view, target)
    if found is None:
        return RefusedProposal("not_for_this_kind")
    workload, container = found
    if wanted not in {number(p.get("containerPort")) for p in container.ports}:
        return RefusedProposal("out_of_bounds")
    failing = _failing_probes(view, workload)
    for name in PROBES:
        kind, port = handler(mapping(container.spec.get(f"{name}Probe")))
        field = {"http": "httpGet", "tcp": "tcpSocket", "grpc": "grpc"}.get(kind)
        if name not in failing or field is None or resolved(container, port) == wanted:
            continue
        path = container_path(workload, container.name, f"{name}Probe.{field}.port")
        why = (
            f"The {name} probe fails; {wanted} is a port of {container.name}.",
            f"La sonde {name} échoue ; {wanted} est un port de {container.name}.",
        )
        return PlanDraft(
            fix_kind="set_probe",
            title=(
                f"{name} probe of {container.name} asks port {wanted}",
                f"La sonde {name} de {container.name} vise le port {wanted}",
            ),
            why=why,
            changes=patch_workload(view, workload, [(path, wanted)]),
            weight=_WEIGHT,
            risks=_ASK,
        )
    return RefusedProposal("no_independent_signal")


def _failing_probes(view: ClusterView, workload: Workload) -> set[str]:
    """Probes that the kubelet says fail now: by the words it puts first, before any answer of the program."""
    if workload.available:
        return set()
    told = [e.message.lower() for e in view.events_of_workload(workload) if e.reason == "Unhealthy"]
    return {name for name in PROBES if any(text.startswith(f"{name} probe") for text in told)}


def _service_port(view: ClusterView, target: ProposalTarget, wanted: int | None) -> Built:
    ref = target.ref
    service = view.get("services", ref.namespace, ref.name)
    if ref.kind != "Service" or service is None:
        return RefusedProposal("not_for_this_kind")
    ports = [p for w in view.backends(service) for c in w.containers() for p in c.ports]
    numbers = {number(p.get("containerPort")) for p in ports}
    names = {p.get("name") for p in ports}
    if wanted not in numbers:
        return RefusedProposal("out_of_bounds")
    wrong = [
        n
        for n, p in enumerate(items(at(service, "spec", "ports")))
        if _leads_nowhere(mapping(p), numbers, names)
    ]
    if len(wrong) != 1:
        return RefusedProposal("no_independent_signal")
    (only,) = wrong
    path = f"spec.ports[{only}].targetPort"
    why = (
        f"The target port of {ref.name} is none of its pods' ports; {wanted} is.",
        f"Le targetPort de {ref.name} n'est pas un port de ses pods ; {wanted} l'est.",
    )
    return PlanDraft(
        fix_kind="set_service_port",
        title=(
            f"Service {ref.name} sends to port {wanted}",
            f"Le Service {ref.name} vise le port {wanted}",
        ),
        why=why,
        changes=patch(view, ref, service, [(path, wanted)]),
        weight=_WEIGHT,
        risks=_ASK,
    )


def _leads_nowhere(port: Obj, numbers: set[int], names: set[object]) -> bool:
    to = port.get("targetPort", port.get("port"))
    if isinstance(to, str) and not to.isdigit():
        return to not in names
    return number(to) not in numbers


def _rollback(view: ClusterView, target: ProposalTarget, wanted: int | None) -> Built:
    found = _workload(view, target)
    if found is None or found[0].kind != "Deployment":
        return RefusedProposal("not_for_this_kind")
    workload = found[0]
    fails = any(
        c.waiting or (c.terminated and not c.ready) for p in workload.pods for c in p.containers()
    )
    if workload.available or not fails:
        return RefusedProposal("no_independent_signal")
    drafts = to_last_good(workload, view)
    if not drafts:
        return RefusedProposal("no_earlier_revision")
    drafts[0].weight, drafts[0].risks = _WEIGHT, [*_ASK, *drafts[0].risks]
    return drafts[0]


_BUILDERS: dict[Fix, Callable[[ClusterView, ProposalTarget, int | None], Built]] = {
    "set_memory": _memory,
    "set_cpu": _cpu,
    "set_replicas": _replicas,
    "set_autoscaler_bounds": _ceiling,
    "set_probe": _probe_port,
    "set_service_port": _service_port,
    "rollback_revision": _rollback,
}
