"""Mounts of one file of a ConfigMap or Secret whose ``subPath`` names no key of it.

The kubelet makes an empty folder for it (kubernetes pkg/volume/util/subpath). Where the image has a file at the place, runc
refuses to mount a folder over it ("not a directory"); where it has none, the program finds a folder ("is a directory").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core.families.startup.facts import UnmountedKey
from decide.core.families.startup.rules import suffering
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload

#: What is said of a folder in the place of a file.
_FOLDER = re.compile(r"not a directory|is a directory|EISDIR|subPath", re.I)
_SOURCES = (("configMap", "configmap", "name"), ("secret", "secret", "secretName"))
#: Lines from the end of a log that are read.
_LAST = 100


def find(view: ClusterView) -> Iterator[Finding[UnmountedKey]]:
    """The first such mount of a container that does not run, of each workload."""
    for workload in view.workloads:
        found = next(_of(view, workload), None)
        if found is not None:
            yield found


def _of(view: ClusterView, workload: Workload) -> Iterator[Finding[UnmountedKey]]:
    for _, container in suffering(workload):
        ended = container.terminated.get("exitCode") not in (0, None)
        if not (container.waiting or ended) or container.ready:
            continue
        for facts in unmounted(view, workload, container):
            said = _said(view, workload, container, facts.path)
            yield _finding(workload, facts, said)


def unmounted(
    view: ClusterView, workload: Workload, container: Container
) -> Iterator[UnmountedKey]:
    """Mounts of the container whose ``subPath`` is no key of what they mount."""
    for index, mount in enumerate(map(mapping, items(container.spec.get("volumeMounts")))):
        key = str(mount.get("subPath") or "").strip("/")
        volume = next(
            (
                v
                for v in map(mapping, items(workload.spec.get("volumes")))
                if v.get("name") == mount.get("name")
            ),
            {},
        )
        for field, kind, inner in _SOURCES:
            name = str(at(volume, field, inner) or "")
            held = view.get(f"{kind}s", workload.namespace, name) if name and key else None
            files = _files(mapping(volume, field), held) if held is not None else ()
            if files and key not in files and key.split("/")[0] not in files:
                yield UnmountedKey(
                    workload=workload,
                    kind="configmap" if kind == "configmap" else "secret",
                    name=name,
                    key=key,
                    container=container.name,
                    index=index,
                    path=str(mount.get("mountPath") or ""),
                    keys=files,
                )


def _files(source: Obj, held: Obj) -> tuple[str, ...]:
    """The names of the files that a volume of the object has: the keys, or the paths of those that it picks."""
    picked = [str(mapping(one).get("path")) for one in items(source.get("items"))]
    return tuple(picked or map(str, (*mapping(held, "data"), *mapping(held, "binaryData"))))


def _said(view: ClusterView, workload: Workload, container: Container, path: str) -> str:
    """Who tells of a folder at the place: the runtime, else the program; empty where nobody does."""
    own = [
        str(container.waiting.get("message") or ""),
        str(container.terminated.get("message") or ""),
    ]
    lines = [
        line
        for log in view.logs_of(workload)
        if log.container in ("", container.name)
        for line in reversed(log.lines[-_LAST:])
    ]
    told = (text for text in (*own, *lines) if path in text and _FOLDER.search(text))
    return next(told, "")


def _finding(workload: Workload, facts: UnmountedKey, said: str) -> Finding[UnmountedKey]:
    text = say(
        "startup.mount.no_key",
        key=facts.key,
        path=facts.path,
        container=facts.container,
        name=facts.name,
    )
    evidence = [Fact(source="object", statement=text, object=workload.ref)]
    if said:
        evidence.insert(0, Fact(source="event", statement=quote(said), object=workload.ref))
    return Finding(
        failure_class="config_reference_missing",
        object=workload.ref,
        score=0.96 if said else 0.62,
        detail=text,
        evidence=evidence,
        facts=facts,
    )
