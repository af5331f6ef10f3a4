"""Plans for programs that do not stay up: variables, owners of volumes, ports, replicas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from decide.core.drafting.containers import container_of
from decide.core.drafting.drafts import (
    RESTART,
    PlanDraft,
    patch,
    patch_workload,
)
from decide.core.drafting.history import earlier, rollback
from decide.core.families.runtime.facts import ScaledToZero, StoppedProgram, UnsetVariable
from decide.core.families.startup.plans.lost import lost_key
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container, containers_in
from manifests.objects.shapes import at, mapping, mappings
from manifests.objects.workloads import Workload


def variable(finding: Finding[UnsetVariable], view: ClusterView) -> list[PlanDraft]:
    """The variable as it was, as a neighbour of the namespace has it, or under the name that it was given by mistake."""
    facts = finding.facts
    container = container_of(facts.workload, facts.container)
    drafts = [*_lost(facts, view), *rollback(finding, view)]
    if container is None or not facts.name:
        return drafts
    slip = next((n for n, e in enumerate(container.env) if _alike(e, facts.name)), None)
    if slip is not None:
        return [*drafts, _renamed(finding, container, slip, view)]
    told = _set_by_others(view, facts.workload, facts.name)
    if len({repr(entry) for entry in told}) == 1:
        return [*drafts, _copied(finding, container, told, view)]
    return drafts


def _lost(facts: UnsetVariable, view: ClusterView) -> list[PlanDraft]:
    """The key that a ConfigMap lost of which the container takes all keys as variables."""
    container = container_of(facts.workload, facts.container)
    if container is None or not facts.name:
        return []
    sources = mappings(container.spec, "envFrom")
    return [
        draft
        for source in sources
        if not source.get("prefix") and at(source, "configMapRef", "name")
        for draft in lost_key(
            view, facts.workload.namespace, str(at(source, "configMapRef", "name")), facts.name
        )
    ]


def _alike(entry: Mapping[str, Any], name: str) -> bool:
    """A variable with nearly that name."""
    return alike(str(entry.get("name")), name) >= 0.85


def _env(container: Container) -> str:
    group = "initContainers" if container.init else "containers"
    return f":{group}[name={container.name}].env"


def _renamed(
    finding: Finding[UnsetVariable], container: Container, index: int, view: ClusterView
) -> PlanDraft:
    """Under its right name. ``index``: the variable's place in the container's list."""
    name, written = finding.facts.name, str(container.env[index].get("name"))
    wanted = [(f"{_env(container)}[{index}].name", name)]
    return PlanDraft(
        fix_kind="set_env",
        title=say("runtime.variable.rename", name=name),
        why=say("runtime.variable.written", detail=finding.detail, written=written),
        changes=patch_workload(view, finding.facts.workload, wanted),
        weight=0.82,
        risks=[RESTART],
    )


def _set_by_others(view: ClusterView, workload: Workload, name: str) -> list[Mapping[str, Any]]:
    """How other workloads set a variable of that name."""
    return [
        entry
        for other in view.workloads
        if other.ref.key != workload.ref.key
        for container in other.containers()
        for entry in container.env
        if entry.get("name") == name
    ]


def _copied(
    finding: Finding[UnsetVariable],
    container: Container,
    told: list[Mapping[str, Any]],
    view: ClusterView,
) -> PlanDraft:
    """As all others set it."""
    path, entry = _env(container), dict(told[0])
    wanted: tuple[str, Any] = (
        (f"{path}[{len(container.env)}]", entry) if container.env else (path, [entry])
    )
    return PlanDraft(
        fix_kind="set_env",
        title=say("runtime.variable.copy", name=finding.facts.name),
        why=say("runtime.variable.others", detail=finding.detail, n=len(told)),
        changes=patch_workload(view, finding.facts.workload, [wanted]),
        weight=0.66,
        risks=[say("runtime.variable.risk"), RESTART],
    )


def replicas(finding: Finding[ScaledToZero], view: ClusterView) -> list[PlanDraft]:
    """The declared number of replicas, else one."""
    workload, wanted = finding.facts.workload, finding.facts.declared or 1
    return [
        PlanDraft(
            fix_kind="set_replicas",
            title=say("drafting.replicas", n=wanted, workload=workload.name),
            why=say("runtime.zero.why", workload=workload.name, n=wanted),
            changes=patch(view, workload.ref, workload.obj, [("spec.replicas", wanted)]),
            weight=0.9,
            risks=[say("runtime.zero.risk")],
        )
    ]


def volume_owner(finding: Finding[StoppedProgram], view: ClusterView) -> list[PlanDraft]:
    """The volume's group is the one that the process runs with."""
    workload = finding.facts.workload
    security = mapping(workload.spec.get("securityContext"))
    group = _group(workload, security)
    if not group or security.get("fsGroup") == group:
        return rollback(finding, view)
    return [
        PlanDraft(
            fix_kind="set_volume",
            title=say("runtime.volume.title", workload=workload.name, group=str(group)),
            why=say("runtime.volume.why", group=str(group)),
            changes=patch_workload(view, workload, [(":securityContext.fsGroup", group)]),
            weight=0.7,
            risks=[say("runtime.volume.risk"), RESTART],
        ),
        *rollback(finding, view),
    ]


def _group(workload: Workload, security: Mapping[str, Any]) -> Any:
    """The id that the process runs with: the group before the user, the pod's before a container's."""
    wanted = ("runAsGroup", "runAsUser")
    of_pod = [security.get(key) for key in wanted]
    of_containers = [
        at(c.spec, "securityContext", key) for key in wanted for c in workload.containers()
    ]
    return next((found for found in (*of_pod, *of_containers) if found), None)


def port_conflict(finding: Finding[StoppedProgram], view: ClusterView) -> list[PlanDraft]:
    """What changed since it last worked; the container that came with the last revision, without which it did."""
    return rollback(finding, view) or _without_newcomer(finding, view)


def _without_newcomer(finding: Finding[StoppedProgram], view: ClusterView) -> list[PlanDraft]:
    """All else as it is: only the one container that the last good revision lacked, and that does not come up, goes."""
    workload = finding.facts.workload
    revision = earlier(view, workload)
    if revision is None or not revision.worked:
        return []
    known = {str(c.get("name")) for c in containers_in(revision.spec)}
    added = [c for c in workload.containers(init=True) if c.name not in known]
    failing = {c.name for p in workload.pods for c in p.containers() if c.restarts and not c.ready}
    if len(added) != 1 or added[0].init or added[0].name not in failing:
        return []
    gone = {added[0].name} | (known - {c.name for c in workload.containers(init=True)})
    if len(gone) > 1:
        return []
    name = added[0].name
    return [
        PlanDraft(
            fix_kind="rollback_revision",
            title=say("runtime.newcomer.title", container=name, workload=workload.name),
            why=say("runtime.newcomer.why", container=name, revision=revision.number),
            changes=patch_workload(view, workload, [(f":containers[name={name}]", None)]),
            weight=0.72,
            risks=[say("runtime.newcomer.risk", container=name), RESTART],
        )
    ]
