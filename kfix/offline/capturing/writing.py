"""Writes what was read of a cluster as a case: masked, in the layout of ``kubectl cluster-info dump``.

    alert.json  cluster/capture.json  cluster/<plural>.json  cluster/<namespace>/<plural>.json
    cluster/<namespace>/<pod>/logs.txt  cluster/<namespace>/<pod>/logs-previous.txt

A name is a part of a path only where it is one that Kubernetes allows: nothing is written outside of the folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from enrich.adapters.documents import MAX_FILE
from enrich.core.objects import trimmed
from enrich.core.unread import Unread, note_of
from kfix.incident.redaction import mask, mask_json
from kfix.offline.capturing.reading import ReadCluster
from manifests.objects.kinds import kind_of
from schemas.base import Json
from schemas.context import LogExcerpt

#: RFC 1123 labels (namespaces, containers) and subdomains (pods): kubernetes.io/docs/concepts/overview/working-with-objects/names
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
)
_MARK = "==== START logs for container "
NOTE = "capture.json"


class FolderTaken(ValueError):
    """The folder to write to is there and holds something, or is no folder."""


def is_namespace(name: str) -> bool:
    """Whether Kubernetes allows the name for a namespace."""
    return _LABEL.fullmatch(name) is not None


def check_free(folder: Path) -> None:
    """Raises FolderTaken, or OSError."""
    if folder.is_symlink() or folder.exists():
        if not folder.is_dir():
            raise FolderTaken(f"{folder} is there and no folder")
        if any(folder.iterdir()):
            raise FolderTaken(f"{folder} is not empty")


def write_case(
    folder: Path, read: ReadCluster, payload: Json = None, *, max_file: int = MAX_FILE
) -> tuple[Unread, ...]:
    """Writes the case; for the owner's eyes alone. Answers all that is not in it. Raises FolderTaken, OSError."""
    check_free(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = _Files(folder)
    unread = list(read.unread)
    if payload is not None:
        files.write(PurePosixPath("alert.json"), _json(mask_json(payload)))
    for (namespace, plural), items in _placed(read.lists).items():
        body = _json(_list(plural, items))
        if len(body) > max_file:
            where = f" of {namespace}" if namespace else ""
            reason = f"{len(body)} bytes are more than one file may have ({max_file})"
            unread.append(Unread(f"kubernetes.{plural}{where}", reason, "refused"))
            continue
        files.write(PurePosixPath("cluster", namespace, f"{plural}.json"), body)
    unread += _write_logs(files, read.logs)
    note = note_of(unread, read.not_served)
    files.write(PurePosixPath("cluster", NOTE), _json(note))
    return tuple(unread)


class _Files:
    """New files below one folder, readable to their owner."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, where: PurePosixPath, body: bytes) -> None:
        path = self._folder / where
        for parent in reversed(where.parents):
            (self._folder / parent).mkdir(exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(body)


def _placed(lists: dict[tuple[str, str], list[Json]]) -> dict[tuple[str, str], list[Json]]:
    """The lists by where they are written: what is in no namespace of an allowed name stands beside the cluster's."""
    placed: dict[tuple[str, str], list[Json]] = {}
    for (namespace, plural), items in lists.items():
        place = namespace if is_namespace(namespace) else ""
        placed.setdefault((place, plural), []).extend(items)
    return placed


def _list(plural: str, items: Iterable[Any]) -> dict[str, Json]:
    masked = [mask_json(trimmed(item)) for item in items]
    return {"apiVersion": "v1", "kind": f"{kind_of(plural)}List", "items": masked}


def _write_logs(files: _Files, logs: Iterable[LogExcerpt]) -> list[Unread]:
    unread: list[Unread] = []
    pods: dict[PurePosixPath, list[str]] = {}
    for log in logs:
        if not _may_be_path(log):
            reason = f"a name that Kubernetes does not allow: {ascii(log.pod)[:80]}"
            unread.append(Unread("kubernetes.logs", reason))
            continue
        name = "logs-previous.txt" if log.previous else "logs.txt"
        where = PurePosixPath("cluster", log.namespace, log.pod, name)
        pods.setdefault(where, []).append(_section(log))
    for where, sections in pods.items():
        files.write(where, "".join(sections).encode(errors="replace"))
    return unread


def _may_be_path(log: LogExcerpt) -> bool:
    """Allowed names; a pod that is called like a list's file has no folder beside it."""
    return bool(
        is_namespace(log.namespace)
        and _SUBDOMAIN.fullmatch(log.pod)
        and not log.pod.endswith(".json")
        and _LABEL.fullmatch(log.container)
    )


def _section(log: LogExcerpt) -> str:
    """One container's log between its marks; a line of it that looks like a mark is set in by a blank."""
    owner = f"logs for container {log.container} of pod {log.namespace}/{log.pod} ===="
    lines = mask("\n".join(log.lines)).split("\n")
    kept = (f" {line}" if line.startswith(_MARK) else line for line in lines)
    return "\n".join((f"==== START {owner}", *kept, f"==== END {owner}", ""))


def _json(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"
