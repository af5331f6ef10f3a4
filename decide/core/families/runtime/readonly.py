"""Programs that write to a root filesystem which is mounted read-only: an empty volume where they write, and the guard stays.

The directory is one of a closed list: a program's line tells which one, and writes nothing into a manifest.
Source: kubernetes.io "Configure a Security Context" (``readOnlyRootFilesystem``), "Volumes: emptyDir"; Linux EROFS (30).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from decide.core.drafting.drafts import RESTART, PlanDraft, because, container_path, patch_workload
from decide.core.facts import Facts
from decide.core.families.runtime.facts import StoppedProgram
from decide.core.findings import Finding
from decide.core.proof import asking
from decide.core.proof.asking import by_template, not_there, subject
from decide.core.proof.standing import Standing, gone, stands
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.shapes import at, items, mappings
from manifests.objects.workloads import Workload

#: Directories that hold nothing of an image that a program needs.
_SCRATCH = ("/tmp", "/var/tmp", "/run", "/var/run", "/var/cache/nginx", "/var/log/nginx")  # noqa: S108
_PATH = r"(?P<path>/[\w.-]+(?:/[\w.-]+)*)"
_REFUSED = (
    re.compile(rf"(?:[Rr]ead-only file system|EROFS)[^/\n]{{0,60}}[\"'` ]{_PATH}"),
    re.compile(rf"{_PATH}[\"'`]?[^/\n]{{0,40}}: [Rr]ead-only file system"),
    re.compile(rf"{_PATH}[\"'`]? failed \(30: Read-only file system\)"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOnlyPath(StoppedProgram):
    """A container that may not write where it wants to, since its root filesystem is read-only."""

    container: str
    #: The directory of the closed list that it writes below.
    directory: str


def path_of(workload: Workload, container: Container, lines: Iterable[str]) -> ReadOnlyPath | None:
    """Where it was refused to write; ``None`` where its root may be written, or the place is none of the list or is mounted."""
    if at(container.spec, "securityContext", "readOnlyRootFilesystem") is not True:
        return None
    found = (m["path"] for line in lines for p in _REFUSED if (m := p.search(line)) is not None)
    for path in found:
        near = [d for d in _SCRATCH if path == d or path.startswith(f"{d}/")]
        if near and not _mounted(container, path):
            return ReadOnlyPath(workload=workload, container=container.name, directory=near[0])
    return None


def _mounted(container: Container, path: str) -> bool:
    """A volume is mounted at the path or above it."""
    places = [
        str(m.get("mountPath") or "").rstrip("/") for m in mappings(container.spec, "volumeMounts")
    ]
    return any(place and (path == place or path.startswith(f"{place}/")) for place in places)


def scratch(finding: Finding[Facts], view: ClusterView) -> list[PlanDraft]:
    """An empty volume at the directory."""
    facts = finding.facts
    if not isinstance(facts, ReadOnlyPath):
        return []
    workload = facts.workload
    container = asking.container(workload, facts.container)
    if container is None:
        return []
    name = _free(workload, f"scratch{facts.directory.replace('/', '-')}")
    volumes, mounts = items(workload.spec, "volumes"), items(container.spec, "volumeMounts")
    place = container_path(workload, container.name, "volumeMounts")
    wanted = [
        _added(":volumes", len(volumes), {"name": name, "emptyDir": {}}),
        _added(place, len(mounts), {"name": name, "mountPath": facts.directory}),
    ]
    return [
        PlanDraft(
            fix_kind="set_volume",
            title=say("runtime.scratch.title", directory=facts.directory, container=container.name),
            why=because(finding.detail),
            changes=patch_workload(view, workload, wanted),
            weight=0.86,
            risks=[say("runtime.scratch.risk"), RESTART],
        )
    ]


def _added(path: str, count: int, entry: dict[str, Any]) -> tuple[str, Any]:
    """A list's new last entry; the whole list where there is none yet."""
    return (f"{path}[{count}]", entry) if count else (path, [entry])


def _free(workload: Workload, name: str) -> str:
    """The name, or the name with a number, that no volume has."""
    taken = {str(v.get("name")) for v in mappings(workload.spec, "volumes")}
    numbered = (f"{name}-{n}" for n in range(2, len(taken) + 3))
    return next(one for one in (name, *numbered) if one not in taken)


def writable(finding: Finding[Facts], view: ClusterView) -> Standing:
    """Whether a volume is mounted where the program writes, or its root filesystem may be written."""
    facts = finding.facts
    if not isinstance(facts, ReadOnlyPath):
        return by_template(finding, view)
    workload = subject(finding, view)
    container = asking.container(workload, facts.container) if workload is not None else None
    if workload is None or container is None:
        return not_there(finding)
    told = {"container": container.name, "directory": facts.directory}
    if _mounted(container, facts.directory):
        return gone(say("proof.scratch.mounted", **told))
    if at(container.spec, "securityContext", "readOnlyRootFilesystem") is not True:
        return gone(say("proof.scratch.open", **told))
    return stands(say("proof.scratch.closed", **told))
