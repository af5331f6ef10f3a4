"""A captured case in a folder: what `kubectl cluster-info dump` wrote, metrics, tool outputs, the repository's files.

    alert.json  cluster/…  metrics.json  extra.json  manifests/… or repo/…

``cluster/`` holds Lists or single objects as JSON or YAML, a file per kind, in folders per namespace; logs stand at
``cluster/<namespace>/<pod>/logs.txt`` and ``logs-previous.txt``. A file without items means: listed, and there is none.
A file that cannot be read is a degraded source with a reason, never an error of the whole case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from enrich.core.objects import plural_of
from schemas.base import Json
from schemas.context import DeclaredObject, LogExcerpt, Series, SourceStatus

#: Bytes of one file; larger ones are left out and named.
_MAX_FILE = 64 * 1024 * 1024
#: Lines kept of one log.
_LOG_LINES = 400
#: Events of one YAML file and depth of its nesting; an alias bomb is small on disk and huge in memory.
_MAX_NODES = 2_000_000
_MAX_DEPTH = 100
_MAX_ALIASES = 1_000
_ENDINGS = (".json", ".yaml", ".yml")


class Unreadable(ValueError):
    """A file that is not what its name says."""


@dataclass(slots=True)
class Capture:
    """What a folder holds. ``troubles`` names each file that could not be read, and why."""

    objects: dict[str, list[Json]] = field(default_factory=dict)
    logs: list[LogExcerpt] = field(default_factory=list)
    metrics: list[Series] = field(default_factory=list)
    extra: dict[str, Json] = field(default_factory=dict)
    declared: list[DeclaredObject] = field(default_factory=list)
    #: The repository's files by path, as bytes.
    files: dict[str, bytes] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)

    def sources(self) -> tuple[SourceStatus, ...]:
        """The state of each source."""
        found = {
            "kubernetes": bool(self.objects),
            "logs": bool(self.logs),
            "metrics": bool(self.metrics),
            "repository": bool(self.files),
        }
        statuses = [
            SourceStatus(
                name=name,
                state="ok" if there else "missing",
                reason="" if there else "not captured",
            )
            for name, there in found.items()
        ]
        statuses += [
            SourceStatus(name=f"file {name}", state="degraded", reason=reason)
            for name, reason in sorted(self.troubles.items())
        ]
        return tuple(statuses)


def read_capture(dump: Path | None, repository: Path | None, case: Path | None = None) -> Capture:
    """Reads a dump, a repository and a case's side files; any of them may be missing."""
    capture = Capture()
    if dump is not None:
        _read_dump(capture, dump)
    if case is not None:
        capture.metrics += _metrics(_side_file(capture, case / "metrics.json"))
        extra = _side_file(capture, case / "extra.json")
        capture.extra = extra if isinstance(extra, dict) else {}
    if repository is not None:
        _read_repository(capture, repository)
    return capture


def read_document(path: Path) -> Json:
    """One JSON or YAML file as a value; several YAML documents as a list. Raises Unreadable."""
    try:
        if path.stat().st_size > _MAX_FILE:
            raise Unreadable("too large")
        raw = path.read_bytes()
    except OSError as failure:
        raise Unreadable(failure.strerror or "cannot be read") from failure
    if path.suffix == ".json":
        try:
            found = orjson.loads(raw)
        except orjson.JSONDecodeError as failure:
            raise Unreadable(f"no JSON: {failure}") from failure
        if _deeper(found, _MAX_DEPTH):
            raise Unreadable(f"nested more than {_MAX_DEPTH} deep")
        return found
    documents = documents_of(raw)
    return documents[0] if len(documents) == 1 else documents


def documents_of(raw: bytes) -> list[Json]:
    """The documents of a YAML stream. Raises Unreadable, also for bombs: nests, aliases, sheer number."""
    try:
        _check(raw)
        return [d for d in yaml.load_all(raw, Loader=yaml.CSafeLoader) if d is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as failure:
        raise Unreadable(
            f"no YAML: {str(failure).splitlines()[0] if str(failure) else failure!r}"
        ) from failure


def _check(raw: bytes) -> None:
    depth = aliases = 0
    for number, event in enumerate(yaml.parse(raw, Loader=yaml.CSafeLoader)):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
            event, yaml.CollectionEndEvent
        )
        if number > _MAX_NODES or depth > _MAX_DEPTH or aliases > _MAX_ALIASES:
            raise Unreadable("too many nodes, aliases or levels")

    if b"&" in raw and b"*" in raw:
        _check_expanded(raw)


def _check_expanded(raw: bytes) -> None:
    """Refuses documents that grow past the bound once each alias is a copy, as masking makes it."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        known = sizes.get(id(node))
        if known is None:
            sizes[id(node)] = 1  # a node inside itself counts once: what follows refuses it
            parts = node.value if isinstance(node, yaml.SequenceNode) else ()
            if isinstance(node, yaml.MappingNode):
                parts = [part for pair in node.value for part in pair]
            known = sizes[id(node)] = 1 + sum(size(part) for part in parts)
        if known > _MAX_NODES:
            raise Unreadable("too many nodes once its aliases are expanded")
        return known

    for document in yaml.compose_all(raw, Loader=yaml.CSafeLoader):
        size(document)


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and mappings nest deeper than ``levels``; without recursion."""
    waiting = [(value, 0)]
    while waiting:
        found, depth = waiting.pop()
        if depth > levels:
            return True
        if isinstance(found, Mapping):
            waiting += [(item, depth + 1) for item in found.values()]
        elif isinstance(found, list):
            waiting += [(item, depth + 1) for item in found]
    return False


def _side_file(capture: Capture, path: Path) -> Json:
    if not path.is_file():
        return None
    try:
        return read_document(path)
    except Unreadable as failure:
        capture.troubles[path.name] = str(failure)
        return None


def _inside(root: Path) -> Iterator[Path]:
    """Regular files below ``root`` in a stable order; links are not followed."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _read_dump(capture: Capture, root: Path) -> None:
    for path in _inside(root):
        where = path.relative_to(root)
        if path.suffix in (".txt", ".log"):
            _read_log(capture, where, path)
        elif path.suffix in _ENDINGS:
            try:
                document = read_document(path)
            except Unreadable as failure:
                capture.troubles[str(where)] = str(failure)
                continue
            _take(capture, document, where)


def _read_log(capture: Capture, where: Path, path: Path) -> None:
    """``<namespace>/<pod>/[<container>-]logs[-previous].txt``."""
    if len(where.parts) < 3:
        return
    namespace, pod, stem = where.parts[-3], where.parts[-2], path.stem
    if "logs" not in stem and path.suffix != ".log":
        return
    try:
        text = path.read_bytes()[-_MAX_FILE:].decode(errors="replace")
    except OSError as failure:
        capture.troubles[str(where)] = failure.strerror or "cannot be read"
        return
    container = stem.replace("logs", "").replace("previous", "").strip("-_. ")
    capture.logs.append(
        LogExcerpt(
            source="capture",
            namespace=namespace,
            pod=pod,
            container=container,
            previous="previous" in stem,
            lines=tuple(text.splitlines()[-_LOG_LINES:]),
        )
    )


def _take(capture: Capture, document: Json, where: Path) -> None:
    """Adds a List's items, or a single object; an empty List counts as listed."""
    if isinstance(document, list):
        for item in document:
            _take(capture, item, where)
        return
    if not isinstance(document, Mapping):
        capture.troubles[str(where)] = "no object"
        return
    kind = str(document.get("kind", ""))
    items = document.get("items")
    if "items" not in document:
        if kind:
            capture.objects.setdefault(plural_of(kind), []).append(dict(document))
        return
    listed = kind.removesuffix("List")
    plural = plural_of(listed) if listed else where.stem.replace("-", "").lower()
    capture.objects.setdefault(plural, [])
    version = str(document.get("apiVersion", ""))
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping):
            whole = dict(item)
            whole.setdefault("kind", listed or _singular(plural))
            whole.setdefault("apiVersion", version)
            capture.objects.setdefault(plural_of(str(whole["kind"])), []).append(whole)


def _singular(plural: str) -> str:
    kinds = {
        "pods": "Pod", "nodes": "Node", "services": "Service", "events": "Event", "deployments": "Deployment",
        "replicasets": "ReplicaSet", "daemonsets": "DaemonSet", "statefulsets": "StatefulSet",
        "replicationcontrollers": "ReplicationController", "endpoints": "Endpoints",
    }  # fmt: skip
    return kinds.get(plural, plural.removesuffix("s").capitalize())


def _metrics(document: Json) -> list[Series]:
    """``{"series": [{"metric", "tags", "points": [[unix seconds, value], …]}]}``; what does not fit is left out."""
    series = document.get("series") if isinstance(document, Mapping) else None
    found = []
    for item in series if isinstance(series, list) else ():
        if not isinstance(item, Mapping) or not isinstance(item.get("points"), list):
            continue
        points = [
            p for p in item["points"] if isinstance(p, list) and len(p) == 2 and _number(p[0])
        ]
        tags = item.get("tags")
        found.append(
            Series(
                metric=str(item.get("metric", "")),
                tags=_tags(tags),
                unit=str(item.get("unit") or ""),
                timestamps=tuple(float(at) for at, _ in points),
                values=tuple(float(v) if _number(v) else None for _, v in points),
            )
        )
    return found


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _tags(tags: Any) -> dict[str, str]:
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    if isinstance(tags, list):
        return dict(str(tag).split(":", 1) for tag in tags if ":" in str(tag))
    return {}


def _read_repository(capture: Capture, root: Path) -> None:
    for path in _inside(root):
        where = path.relative_to(root)
        if ".git" in where.parts:
            continue
        try:
            if path.stat().st_size > _MAX_FILE:
                raise Unreadable("too large")
            raw = path.read_bytes()
        except (OSError, Unreadable) as failure:
            capture.troubles[f"repository {where}"] = str(failure)
            continue
        capture.files[where.as_posix()] = raw
        if path.suffix not in _ENDINGS:
            continue
        try:
            documents = documents_of(raw)
        except Unreadable as failure:
            capture.troubles[f"repository {where}"] = str(failure)
            continue
        capture.declared += [
            DeclaredObject(path=where.as_posix(), document=number, object=document)
            for number, document in enumerate(documents)
            if isinstance(document, Mapping) and document.get("kind") and document.get("metadata")
        ]
