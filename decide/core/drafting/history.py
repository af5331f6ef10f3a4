"""Back to what ran before: the last good revision from ReplicaSets, ControllerRevisions or the manifest's Git history."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from decide.core.drafting.drafts import (
    OLDER_IMAGE,
    ONLY_CHANGE,
    OTHER_CHANGES,
    PlanDraft,
    container_path,
    leaves,
    patch_workload,
)
from decide.core.drafting.revisions import Revision, before, proven
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import annotations_of
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, items, mapping, number
from manifests.objects.workloads import Workload

#: Fields that the API server fills in; and a change of more fields than this is for people to read.
_FILLED = frozenset({"terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy"})
_MOST = 6
#: What the API server writes into a pod spec that does not state it.
_DEFAULTS: dict[str, object] = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
}
#: Parts of a pod spec that are compared in their own way, or that say the same as another.
_APART = frozenset({"containers", "initContainers", "ephemeralContainers", "serviceAccount"})
#: Where going back would take a guard away, it is not done.
_GUARDS = ("livenessProbe", "readinessProbe", "startupProbe", "limits", "securityContext")


def revision_of(replica_set: Obj) -> int:
    """A ReplicaSet's revision number."""
    return number(annotations_of(replica_set).get("deployment.kubernetes.io/revision"))


def earlier(view: ClusterView, workload: Workload) -> Revision | None:
    """What ran before; ``None`` when nothing tells, or when the newest revision is not to blame."""
    if proven(view, workload):
        return None
    return before(view, workload)


def rollback(finding: Finding, view: ClusterView) -> list[PlanDraft]:
    """The finding's workload back to its last good revision."""
    workload = finding.facts.workload
    return to_last_good(workload, view) if workload is not None else []


def to_last_good(workload: Workload, view: ClusterView) -> list[PlanDraft]:
    """Back to the last good revision, field by field; a guard that it lacked stays."""
    found = earlier(view, workload)
    if found is None:
        return committed(workload, view)
    wanted = _differences(workload, found.spec)
    if not 0 < len(wanted) <= _MOST:
        return []
    changes = patch_workload(view, workload, wanted)
    if not changes:
        return []
    return [
        PlanDraft(
            fix_kind="rollback_revision",
            title=say("drafting.back.title", revision=found.number, workload=workload.name),
            why=_ran(found, len(wanted)),
            changes=changes,
            weight=0.85,
            risks=[ONLY_CHANGE if len(wanted) == 1 else OTHER_CHANGES],
        )
    ]


def _ran(revision: Revision, fields: int) -> str:
    """What is known of a revision."""
    if revision.worked:
        return say("drafting.back.why", revision=revision.number, name=revision.name, count=fields)
    return say(
        "drafting.back.why_unseen", revision=revision.number, name=revision.name, count=fields
    )


def _differences(workload: Workload, before: Obj) -> list[tuple[str, Any]]:
    """What turns the pod spec into the one before, without guards; empty where containers came or went."""
    wanted = _containers_before(workload, before)
    if wanted is None:
        return []
    for part in sorted({*workload.spec, *before} - _APART):
        now, then = _stated(workload.spec, part), _stated(before, part)
        if now != then:
            wanted += leaves(f":{part}", now, then)
    return [(p, v) for p, v in wanted if not (v is None and _guards(p))]


def _stated(spec: Obj, part: str) -> Any:
    """A part of the pod spec; ``None`` where it says no more than the default."""
    value = spec.get(part)
    return None if value in ({}, []) or value == _DEFAULTS.get(part, _NOTHING) else value


_NOTHING = object()
#: Settings of a security context that take a guard away: going back to without them puts it back.
_OPENS = ("privileged", "allowPrivilegeEscalation", "capabilities.add")


def _guards(path: str) -> bool:
    """What stands at the path keeps others safe, or the program honest."""
    return any(g in path for g in _GUARDS) and not path.endswith(_OPENS)


def _containers_before(workload: Workload, before: Obj) -> list[tuple[str, Any]] | None:
    """Each container as it was; ``None`` where one was not there: a container more or less is no small step back."""
    old = {
        (key, str(mapping(c).get("name"))): mapping(c)
        for key in ("initContainers", "containers")
        for c in items(before.get(key))
    }
    wanted: list[tuple[str, Any]] = []
    for container in sorted(workload.containers(init=True), key=lambda c: not c.init):
        then = old.get(("initContainers" if container.init else "containers", container.name))
        if then is None:
            return None
        for field in sorted((set(then) | set(container.spec)) - _FILLED):
            if then.get(field) != container.spec.get(field):
                place = container_path(workload, container.name, field)
                wanted += leaves(place, container.spec.get(field), then.get(field))
    return wanted


_IMAGE = re.compile(r"^(?P<sign>[-+])\s*(?:-\s*)?image:\s*[\"']?(?P<image>[^\s\"'#]+)", re.M)


def committed(workload: Workload, view: ClusterView) -> list[PlanDraft]:
    """The image that the manifest named before its last commit, where the commit changed just that."""
    for change in view.bundle.changes:
        diff = mapping(change.detail).get("diff") if isinstance(change.detail, Mapping) else None
        if change.kind != "commit" or not isinstance(diff, str):
            continue
        found = {(m["sign"], m["image"]) for m in _IMAGE.finditer(diff)}
        for container in workload.containers(init=True):
            before = _image_before(found, str(container.spec.get("image") or ""))
            if before:
                return [_as_before(view, workload, container, before, change.revision)]
    return []


def _image_before(diff: set[tuple[str, str]], now: str) -> str:
    """The one older version of the image that a diff's signed lines take away; empty where it is not that clear."""
    before = [i for sign, i in diff if sign == "-" and i != now and _same_image(i, now)]
    return before[0] if ("+", now) in diff and len(before) == 1 else ""


def _as_before(
    view: ClusterView, workload: Workload, container: Container, image: str, commit: str
) -> PlanDraft:
    now = str(container.spec.get("image") or "")
    path = container_path(workload, container.name, "image")
    return PlanDraft(
        fix_kind="rollback_revision",
        title=say("drafting.back.commit_title", image=image),
        why=say("drafting.back.commit_why", commit=commit[:10], before=image, now=now),
        changes=patch_workload(view, workload, [(path, image)]),
        weight=0.85,
        risks=[OLDER_IMAGE],
    )


def _same_image(one: str, two: str) -> bool:
    """Two versions of one image: the same last name."""
    stems = [image.split("@")[0].rsplit("/", 1)[-1].split(":")[0] for image in (one, two)]
    return stems[0] == stems[1]
