"""Programs that start and do not stay up, workloads nobody runs, rollouts that got stuck, jobs."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.families.dependencies.rules import database_kind
from decide.core.families.startup.facts import UnusableImage
from decide.core.families.startup.rules import claim_volumes, mount_paths, suffering
from decide.core.findings import Fact, Finding, quote
from decide.core.signals import Hit
from decide.core.view import ClusterView
from manifests.objects.meta import annotations_of, condition, name_of, owners_of
from manifests.objects.pods import Container
from manifests.objects.shapes import at, number
from manifests.objects.workloads import Workload


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about running programs."""
    for workload in view.workloads:
        batch = workload.kind in ("Job", "CronJob")
        crashing = {c.name: c for _, c in suffering(workload) if _crashes(c, batch=batch)}
        for container in crashing.values():
            yield from _crash(view, workload, container)
        if not crashing:
            yield from _complains(view, workload)
        if workload.kind in ("Deployment", "StatefulSet") and workload.desired == 0:
            yield from _zero(view, workload)
        if workload.kind == "Deployment":
            yield from _rollout(view, workload)


def _crashes(container: Container, *, batch: bool = False) -> bool:
    """It ended with an error and is not well now. A job's container is not started again by itself."""
    code = container.terminated.get("exitCode")
    loops = container.waiting.get("reason") == "CrashLoopBackOff"
    return loops or ((container.restarts > 0 or batch) and code not in (0, None))


#: What a program that runs on may complain of all the time, and nobody but its own settings is to blame.
_COMPLAINTS = (
    ("database_credentials_invalid", "db_access_denied"),
    ("database_schema_missing", "db_missing"),
    ("rbac_denied", "api_forbidden"),
)


def _complains(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """It does not crash, but says again and again what it may not do or cannot find."""
    if database_kind(workload):
        return  # a database's own log tells of strangers
    for class_id, signal in _COMPLAINTS:
        told = [h for h in view.hits(workload) if h.signal == signal]
        if told:
            score = 0.86 if not workload.available else 0.68 if len(told) > 2 else 0.5
            fact = Fact(source="log", statement=quote(told[-1].line), object=workload.ref)
            yield Finding(
                failure_class=class_id,
                object=workload.ref,
                score=score,
                detail=quote(told[-1].line),
                evidence=[fact],
                against=[],
                facts={"workload": workload, "subject": told[-1].subject},
            )


def _crash(view: ClusterView, workload: Workload, container: Container) -> Iterator[Finding]:
    hits = [h for h in view.hits(workload) if h.container in ("", container.name)]
    code = container.terminated.get("exitCode")
    base = Fact(
        source="object",
        statement=f"container {container.name}: {container.restarts} restarts, last exit code {code}",
        object=workload.ref,
        value=float(container.restarts),
        unit="restarts",
    )
    data = {"workload": workload, "container": container.name, "exit_code": code}
    found = False
    for class_id, signal, score in (
        ("sidecar_port_conflict", "port_in_use", 0.95),
        ("volume_permission_denied", "denied_file", 0.85),
        ("database_credentials_invalid", "db_access_denied", 0.95),
        ("missing_env", "missing_env", 0.9),
        ("database_disk_full", "disk_full", 0.9),
        ("rbac_denied", "api_forbidden", 0.75),
        ("crash_bad_config", "bad_config", 0.8),
        ("image_platform_mismatch", "exec_format", 0.93),
        ("database_schema_missing", "db_missing", 0.88),
    ):
        hit = _pick(hits, signal)
        if hit is None:
            continue
        exact, adjusted = _adjust(workload, class_id, hit, score)
        found = True
        fact = Fact(source="log", statement=quote(hit.line), object=workload.ref)
        yield Finding(
            failure_class=exact,
            object=workload.ref,
            score=adjusted,
            detail=quote(hit.line),
            evidence=[fact, base],
            against=[],
            facts=(
                UnusableImage(
                    workload=workload,
                    container=container.name,
                    image=str(container.spec.get("image") or ""),
                    arrived=True,
                )
                if exact == "image_platform_mismatch"
                else {**data, "subject": hit.subject, "hit": hit}
            ),
        )
    if code == 0 and not found:
        yield from _ends_well(view, workload, container, base)
    if found or code in (0, 137, 143, None):
        return
    if container.init:
        return  # told by the rules of the start
    panic = _pick(hits, "panic") or _pick(hits, "heap")
    facts = [
        base,
        *([Fact(source="log", statement=quote(panic.line), object=workload.ref)] if panic else []),
    ]
    yield Finding(
        failure_class="crash_code",
        object=workload.ref,
        score=0.64 if panic else 0.45,
        detail=f"exit code {code}",
        evidence=facts,
        against=[],
        facts=data,
    )


def _ends_well(
    view: ClusterView, workload: Workload, container: Container, base: Fact
) -> Iterator[Finding]:
    """It is meant to run on and ends with success again and again; nobody stops it."""
    probed = any(
        e.reason == "Killing" and "probe" in e.message for e in view.events_of_workload(workload)
    )
    if (
        container.restarts < 3
        or probed
        or workload.spec.get("restartPolicy") in ("OnFailure", "Never")
    ):
        return
    text = f"container {container.name} ends with exit code 0, {container.restarts} times"
    yield Finding(
        failure_class="container_exits_at_once",
        object=workload.ref,
        score=0.82,
        detail=text,
        evidence=[base],
        against=[],
        facts={"workload": workload, "container": container.name},
    )


def _pick(hits: list[Hit], signal: str) -> Hit | None:
    return next((h for h in reversed(hits) if h.signal == signal), None)


def _adjust(workload: Workload, class_id: str, hit: Hit, score: float) -> tuple[str, float]:
    """The class and the belief once the workload's own shape is looked at."""
    if class_id == "volume_permission_denied":
        paths = [p for p in mount_paths(workload) if p and p != "None"]
        named = any(p.rstrip("/") in hit.line for p in paths)
        if named or claim_volumes(workload):
            return class_id, 0.94 if named else score
        return "file_permission_denied", 0.78
    if class_id == "missing_env" and "warn" in hit.line.lower():
        return class_id, 0.55
    if class_id == "sidecar_port_conflict" and len(workload.containers()) < 2:
        injected = any(len([c for c in p.containers() if not c.init]) > 1 for p in workload.pods)
        return class_id, score if injected else 0.7
    return class_id, score


def _zero(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """Scaled to zero though something needs it: its Service, its declaration, or its callers."""
    notes = annotations_of(workload.obj)
    if any("idle" in str(k) or "keda" in str(k) for k in notes):
        return
    services = view.services_of.get(workload.ref.key, [])
    declared = view.declared.get((workload.kind, workload.namespace, workload.name), {})
    wanted = number(at(declared, "spec", "replicas"), 1 if declared else 0)
    facts = [
        Fact(
            source="object",
            statement=f"{workload.ref.key} has spec.replicas 0",
            object=workload.ref,
            value=0.0,
            unit="replicas",
        )
    ]
    if services:
        facts.append(
            Fact(
                source="object", statement=f"Service {name_of(services[0])} has no endpoints for it"
            )
        )
    if wanted:
        facts.append(
            Fact(
                source="repository",
                statement=f"the deployment repository declares {wanted} replicas",
            )
        )
    # Nobody's Service and nobody's declaration: an idle workload is meant to be idle.
    score = (
        0.4 + (0.45 if services else 0.0) + (0.1 if services and wanted else 0.3 if wanted else 0.0)
    )
    if declared and not wanted:  # the repository says so too: somebody means it
        score = 0.25
    yield Finding(
        failure_class="zero_replicas",
        object=workload.ref,
        score=score,
        detail="spec.replicas is 0",
        evidence=facts,
        against=[],
        facts={"workload": workload, "declared": wanted},
    )


def _rollout(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """The newest ReplicaSet does not get ready while an older one serves."""
    sets = [view.get("replicasets", workload.namespace, name) for name in sorted(workload.children)]
    present = [s for s in sets if s is not None]
    present.sort(key=lambda s: number(annotations_of(s).get("deployment.kubernetes.io/revision")))
    if len(present) < 2:
        return
    newest, older = present[-1], present[:-1]
    serving = [s for s in older if number(at(s, "status", "readyReplicas")) > 0]
    stuck = condition(workload.obj, "Progressing").get("reason") == "ProgressDeadlineExceeded"
    unready = number(at(newest, "status", "readyReplicas")) < number(
        at(newest, "status", "replicas")
    )
    mine = [p for p in workload.pods if ("ReplicaSet", name_of(newest)) in owners_of(p.obj)]
    failing = any(c.restarts > 1 for p in mine for c in p.containers() if not c.ready)
    if serving and unready and not (workload.available and not failing and not stuck):
        text = f"{name_of(newest)} is not ready while {name_of(serving[-1])} still serves"
        score = 0.84 if failing else 0.6 if stuck else 0.45
        yield Finding(
            failure_class="bad_rollout",
            object=workload.ref,
            score=score,
            detail=text,
            evidence=[Fact(source="change", statement=text, object=workload.ref)],
            against=[],
            facts={"workload": workload, "newest": newest, "good": serving[-1]},
        )
