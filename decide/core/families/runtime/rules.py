"""Programs that start and do not stay up, workloads nobody runs, rollouts that got stuck, jobs."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.complaints import is_error
from decide.core.credentials import told_of_secrets
from decide.core.declared import declared_so, value_before
from decide.core.drafting.history import revision_of
from decide.core.facts import Facts
from decide.core.families.admission.rules.rights import denied_rights
from decide.core.families.dependencies.facts import FullDisk
from decide.core.families.dependencies.rules import database_kind
from decide.core.families.runtime.facts import ScaledToZero, StoppedProgram, UnsetVariable
from decide.core.families.runtime.readonly import ReadOnlyPath, path_of
from decide.core.families.runtime.settings import setting_of
from decide.core.families.startup.facts import UnusableImage
from decide.core.families.startup.rules import claim_volumes, mount_paths, suffering
from decide.core.findings import Fact, Finding, quote
from decide.core.past import ended_before
from decide.core.signals import SignalHit
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import annotations_of, condition, name_of, owners_of
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, number
from manifests.objects.workloads import Workload


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about running programs."""
    for workload in view.workloads:
        batch = workload.kind in ("Job", "CronJob")
        now = view.bundle.alerted_at
        crashing = {
            c.name: c
            for pod, c in suffering(workload)
            if _crashes(c, batch=batch) and (batch or not ended_before(pod, c, now))
        }
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


#: Somebody who is called answers that the caller may not, or is nobody.
_REFUSED = "access_refused"
#: What a program that runs on may complain of all the time, and nobody but its own settings is to blame.
_COMPLAINTS = (
    ("database_credentials_invalid", "db_access_denied"),
    ("credentials_refused", _REFUSED),
    ("database_schema_missing", "db_missing"),
    ("rbac_denied", "api_forbidden"),
)


def _complains(view: ClusterView, workload: Workload) -> Iterator[Finding[Facts]]:
    """It does not crash, but says again and again what it may not do or cannot find."""
    if database_kind(workload):
        return  # a database's own log tells of strangers
    for class_id, signal in _COMPLAINTS:
        told = [h for h in view.hits(workload) if h.signal == signal]
        if (
            signal == _REFUSED and workload.available
        ):  # whom a server itself turns away is no error of it
            told = [h for h in told if is_error(h.line)]
        if told:
            score = 0.86 if not workload.available else 0.68 if len(told) > 2 else 0.5
            fact = Fact(source="log", statement=quote(told[-1].line), object=workload.ref)
            yield Finding(
                failure_class=class_id,
                object=workload.ref,
                score=score,
                detail=quote(told[-1].line),
                evidence=[fact, *_sources(view, workload, class_id)],
                facts=_of_complaints(class_id, workload, told),
            )


def _sources(view: ClusterView, workload: Workload, class_id: str) -> Iterator[Fact]:
    """Where refused credentials come from."""
    if class_id in _CREDENTIALS:
        yield from told_of_secrets(view, workload)


def _of_complaints(class_id: str, workload: Workload, told: list[SignalHit]) -> Facts:
    if class_id == "rbac_denied":
        return denied_rights(workload, [hit.line for hit in told])
    return Facts(workload=workload)


#: Classes of which it matters where the credentials come from.
_CREDENTIALS = frozenset({"database_credentials_invalid", "credentials_refused"})
#: Classes that a program's last words name, with their signal and the belief.
_LAST_WORDS = (
    ("sidecar_port_conflict", "port_in_use", 0.95),
    ("volume_permission_denied", "denied_file", 0.85),
    ("database_credentials_invalid", "db_access_denied", 0.95),
    ("credentials_refused", _REFUSED, 0.92),
    ("missing_env", "missing_env", 0.9),
    ("database_disk_full", "disk_full", 0.9),
    ("rbac_denied", "api_forbidden", 0.75),
    ("crash_bad_config", "bad_config", 0.8),
    ("image_platform_mismatch", "exec_format", 0.93),
    ("database_schema_missing", "db_missing", 0.88),
)


def _crash(view: ClusterView, workload: Workload, container: Container) -> Iterator[Finding[Facts]]:
    hits = [h for h in view.hits(workload) if h.container in ("", container.name)]
    refused = {h.line for h in hits if h.signal == _REFUSED}
    base = _restarted(workload, container)
    found = False
    for class_id, signal, score in _LAST_WORDS:
        hit = _pick(hits, signal)
        if hit is None or (signal == "denied_file" and hit.line in refused):
            continue
        exact, adjusted = _adjust(workload, class_id, hit, score)
        found = True
        fact = Fact(source="log", statement=quote(hit.line), object=workload.ref)
        bad = (
            setting_of(view, workload, container, hit.line) if exact == "crash_bad_config" else None
        )
        written = _unwritten(view, workload, container) if exact == _IMAGE_FILE else None
        yield Finding(
            failure_class=exact,
            object=workload.ref,
            score=adjusted + 0.1 * (written is not None),
            detail=quote(hit.line),
            evidence=[fact, base, *_sources(view, workload, exact)],
            facts=bad or written or _facts(exact, workload, container, hit, hits),
        )
    if found:
        return
    if container.terminated.get("exitCode") == 0:
        yield from _ends_well(view, workload, container, base)
    else:
        yield from _dies(workload, container, hits, base)


def _unwritten(view: ClusterView, workload: Workload, container: Container) -> ReadOnlyPath | None:
    """Where its read-only root filesystem keeps it from writing, as its own lines say."""
    logs = [g for g in view.logs_of(workload) if g.container in ("", container.name)]
    return path_of(workload, container, (line for log in logs for line in log.lines[-_LINES:]))


#: Lines from the end of a log in which the path is looked for.
_LINES = 60
_IMAGE_FILE = "file_permission_denied"


def _restarted(workload: Workload, container: Container) -> Fact:
    restarts, code = container.restarts, container.terminated.get("exitCode")
    text = say("runtime.crash.restarts", container=container.name, n=restarts)
    if code is not None:
        text = say(
            "runtime.crash.restarts_and_code", container=container.name, n=restarts, code=code
        )
    return Fact(
        source="object",
        statement=text,
        object=workload.ref,
        value=float(restarts),
        unit="restarts",
    )


def _facts(
    class_id: str, workload: Workload, container: Container, hit: SignalHit, hits: list[SignalHit]
) -> Facts:
    """What the plans of the class read. ``hits``: everything that the container says."""
    if class_id == "rbac_denied":
        return denied_rights(workload, [h.line for h in hits if h.signal == "api_forbidden"])
    if class_id == "missing_env":
        return UnsetVariable(
            workload=workload, container=container.name, name=str(hit.subject or "")
        )
    if class_id == "database_disk_full":
        return FullDisk(workload=workload)
    if class_id == "image_platform_mismatch":
        image = str(container.spec.get("image") or "")
        return UnusableImage(workload=workload, container=container.name, image=image, arrived=True)
    return StoppedProgram(workload=workload)


def _dies(
    workload: Workload, container: Container, hits: list[SignalHit], base: Fact
) -> Iterator[Finding[Facts]]:
    """It ends with an error of its own and says nothing that a class knows."""
    code = container.terminated.get("exitCode")
    if code in (137, 143, None):
        return
    if container.ends_first:  # the rules of the start tell
        return
    panic = _pick(hits, "panic") or _pick(hits, "heap")
    words = [Fact(source="log", statement=quote(panic.line), object=workload.ref)] if panic else []
    yield Finding(
        failure_class="crash_code",
        object=workload.ref,
        score=0.64 if panic else 0.45,
        detail=say("runtime.crash.code", code=code),
        evidence=[base, *words],
        facts=Facts(workload=workload),
    )


def _ends_well(
    view: ClusterView, workload: Workload, container: Container, base: Fact
) -> Iterator[Finding[Facts]]:
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
    text = say("runtime.crash.ends_well", container=container.name, n=container.restarts)
    yield Finding(
        failure_class="container_exits_at_once",
        object=workload.ref,
        score=0.82,
        detail=text,
        evidence=[base],
        facts=Facts(workload=workload),
    )


def _pick(hits: list[SignalHit], signal: str) -> SignalHit | None:
    return next((h for h in reversed(hits) if h.signal == signal), None)


def _adjust(workload: Workload, class_id: str, hit: SignalHit, score: float) -> tuple[str, float]:
    """The class and the belief once the workload's own shape is looked at."""
    if class_id == "volume_permission_denied":
        paths = [p for p in mount_paths(workload) if p and p != "None"]
        named = any(p.rstrip("/") in hit.line for p in paths)
        if named or claim_volumes(workload):
            return class_id, 0.94 if named else score
        return _IMAGE_FILE, 0.78
    if class_id == "missing_env" and "warn" in hit.line.lower():
        return class_id, 0.55
    if class_id == "sidecar_port_conflict" and len(workload.containers()) < 2:
        injected = any(
            len([c for c in p.containers() if not c.ends_first]) > 1 for p in workload.pods
        )
        return class_id, score if injected else 0.7
    return class_id, score


def _zero(view: ClusterView, workload: Workload) -> Iterator[Finding[ScaledToZero]]:
    """Scaled to zero though something needs it: its Service, its declaration, or its callers."""
    notes = annotations_of(workload.obj)
    if any("idle" in str(k) or "keda" in str(k) for k in notes):
        return
    if any(at(r, "spec", "workloadRef", "name") == workload.name for r in view.here("rollouts")):
        return  # an Argo Rollout runs its pods and keeps it at zero
    services = [name_of(s) for s in view.services_of.get(workload.ref.key, [])]
    declared = view.declared.get((workload.kind, workload.namespace, workload.name), {})
    wanted = number(at(declared, "spec", "replicas"), 1 if declared else 0)
    # Nobody's Service and nobody's declaration: an idle workload is meant to be idle.
    score = (
        0.4 + (0.45 if services else 0.0) + (0.1 if services and wanted else 0.3 if wanted else 0.0)
    )
    asked = {workload.name, *services} & view.alerted
    if declared and not wanted:  # the repository says so too: somebody means it, or meant it then
        score = 0.25
    if asked and (services or wanted):
        score = max(score, 0.88)
    yield Finding(
        failure_class="zero_replicas",
        object=workload.ref,
        score=score,
        detail=say("runtime.zero.detail"),
        evidence=[
            *_needed(workload, services, wanted),
            *([declared_so(view, workload.ref, "replicas")] if declared and not wanted else []),
        ],
        facts=ScaledToZero(workload=workload, declared=wanted or _before(view, workload)),
    )


def _before(view: ClusterView, workload: Workload) -> int:
    """The replicas that the commit took away which wrote none; 0 where none tells."""
    before = value_before(view, "replicas", workload.ref)
    return int(before) if before.isdecimal() else 0


def _needed(workload: Workload, services: list[str], wanted: int) -> list[Fact]:
    """Who needs the pods that are not there. ``services``: names of its Services; ``wanted``: declared replicas."""
    text = say("runtime.zero.live", workload=workload.ref.key)
    facts = [Fact(source="object", statement=text, object=workload.ref, value=0.0, unit="replicas")]
    if services:
        text = say("runtime.zero.service", service=services[0])
        facts.append(Fact(source="object", statement=text))
    if wanted:
        text = say("runtime.zero.declared", n=wanted)
        facts.append(Fact(source="repository", statement=text))
    return facts


def _rollout(view: ClusterView, workload: Workload) -> Iterator[Finding[Facts]]:
    """The newest ReplicaSet does not get ready while an older one serves."""
    sets = [view.get("replicasets", workload.namespace, name) for name in sorted(workload.children)]
    present = sorted((s for s in sets if s is not None), key=revision_of)
    serving = [s for s in present[:-1] if number(at(s, "status", "readyReplicas")) > 0]
    if not serving or not _unready(present[-1]):
        return
    stuck = condition(workload.obj, "Progressing").get("reason") == "ProgressDeadlineExceeded"
    failing = _failing(workload, name_of(present[-1]))
    if workload.available and not failing and not stuck:
        return
    text = say("runtime.rollout", newest=name_of(present[-1]), serving=name_of(serving[-1]))
    yield Finding(
        failure_class="bad_rollout",
        object=workload.ref,
        score=0.84 if failing else 0.6 if stuck else 0.45,
        detail=text,
        evidence=[Fact(source="change", statement=text, object=workload.ref)],
        facts=Facts(workload=workload),
    )


def _unready(replica_set: Obj) -> bool:
    """Some of its pods are not ready."""
    ready = number(at(replica_set, "status", "readyReplicas"))
    return ready < number(at(replica_set, "status", "replicas"))


def _failing(workload: Workload, replica_set: str) -> bool:
    """A container of the ReplicaSet's pods started more than once and is not ready."""
    mine = [p for p in workload.pods if ("ReplicaSet", replica_set) in owners_of(p.obj)]
    return any(c.restarts > 1 for p in mine for c in p.containers() if not c.ready)
