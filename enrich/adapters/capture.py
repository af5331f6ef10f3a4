"""A captured case in a folder: what people's tools wrote of a cluster, metrics, tool outputs, the repository's files.

    alert.json  cluster/…  metrics.json  extra.json  registry.json  manifests/… or repo/…

``cluster/`` holds what ``kubectl cluster-info dump --output-directory`` or ``kubectl get -o json|yaml`` write: Lists
or single objects, one or many a file, below any folders, also gzipped; or a whole ``kubectl cluster-info dump`` in one
file. Logs: see ``enrich.core.dumped_logs``. A List without items means: listed, and there is none. ``kfix capture`` adds
a note of what it could not read (``enrich.core.unread``).
A file that cannot be read is a degraded source with a reason, never an error of the whole case.
"""

from __future__ import annotations

import gzip
import mmap
import os
import posixpath
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from pydantic import ValidationError

from enrich.adapters.archives import is_archive
from enrich.adapters.documents import (
    MAX_FILE,
    YAML,
    Unreadable,
    document_of,
    documents_of,
    inner_name,
    read_bytes,
    read_document,
)
from enrich.core.collected import Collected
from enrich.core.dumped_logs import LogPlace, place_of, sections
from enrich.core.foreign import HEAD, foreign
from enrich.core.lacking import lacking, strange
from enrich.core.unread import Unread, unread_in
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of
from manifests.render.effective import rendered
from manifests.repository import kustomize
from manifests.repository.index import build
from schemas.base import Json
from schemas.context import DeclaredObject, LogExcerpt, Series, SourceStatus
from schemas.images import RegistryAnswers
from schemas.text import sentence_of

#: Lines kept of one container's log, and bytes in which they are looked for.
_LOG_LINES = 400
_LOG_BYTES = 512 * 1024
_ENDINGS = (".json", *YAML)
#: Files that stand beside objects and tell nothing of a cluster.
_BESIDE = (".md", ".html", ".sh", ".py", ".tmpl")


@dataclass(slots=True)
class Capture:
    """What a folder holds. ``troubles`` names each file that could not be read, and why."""

    objects: dict[str, list[Json]] = field(default_factory=dict)
    logs: list[LogExcerpt] = field(default_factory=list)
    metrics: list[Series] = field(default_factory=list)
    extra: dict[str, Json] = field(default_factory=dict)
    #: What image registries said; empty: nobody was asked.
    registry: RegistryAnswers = field(default_factory=RegistryAnswers)
    declared: list[DeclaredObject] = field(default_factory=list)
    #: The repository's files by path, as bytes.
    files: dict[str, bytes] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    #: What the capture itself could not read of the cluster.
    unread: list[Unread] = field(default_factory=list)
    #: The plurals of the dump's lists, by the folder of their file; none where the capture tells itself what it lacks.
    listed: dict[PurePath, set[str]] = field(default_factory=dict)

    def lacking(self, namespace: str) -> tuple[tuple[str, SourceStatus], ...]:
        """Decisive kinds of the namespace that the dump lacks, each by its plural with the state of that source."""
        if strange(self.listed, self.objects, namespace):
            nothing = say("enrich.lacking.namespace")
            return (("", Unread(f"namespace {namespace}", nothing).status()),)
        where = f" of {namespace}" if namespace else ""
        reason = say("enrich.lacking.kind")
        return tuple(
            (plural, Unread(f"kubernetes.{plural}{where}", reason).status())
            for plural in lacking(self.listed, self.objects, namespace)
        )

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
                reason="" if there else say("enrich.not_captured"),
            )
            for name, there in found.items()
        ]
        statuses += [
            SourceStatus(name=f"file {name}", state="degraded", reason=reason)
            for name, reason in sorted(self.troubles.items())
        ]
        statuses += [one.status() for one in dict.fromkeys(self.unread)]
        return tuple(statuses)


def read_capture(dump: Path | None, repository: Path | None, case: Path | None = None) -> Capture:
    """Reads a dump, a repository and a case's side files; any of them may be missing."""
    capture = Capture()
    if dump is not None:
        _read_dump(capture, dump, repository)
    if case is not None:
        capture.metrics += _metrics(_side_file(capture, case / "metrics.json"))
        extra = _side_file(capture, case / "extra.json")
        capture.extra = extra if isinstance(extra, dict) else {}
        capture.registry = _registry(capture, case / "registry.json")
    if repository is not None:
        _read_repository(capture, repository)
    return capture


def _side_file(capture: Capture, path: Path) -> Json:
    if not path.is_file():
        return None
    try:
        return read_document(path)
    except Unreadable as failure:
        capture.troubles[path.name] = sentence_of(failure)
        return None


def _registry(capture: Capture, path: Path) -> RegistryAnswers:
    """What registries were asked for the case, as ``schemas.images.RegistryAnswers`` is written."""
    document = _side_file(capture, path)
    if document is None:
        return RegistryAnswers()
    try:
        return RegistryAnswers.model_validate(document)
    except ValidationError:
        capture.troubles[path.name] = say("enrich.unreadable.no_answers")
        return RegistryAnswers()


def _inside(root: Path) -> Iterator[Path]:
    """Regular files below ``root`` in a stable order, or the one file it is; links are not followed."""
    if root.is_file():
        yield root
        return
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


@dataclass(slots=True)
class _Reading:
    """A dump that is being read: logs wait until it is known which pods there are."""

    capture: Capture
    below: Path
    collected: Collected = field(default_factory=Collected)
    logs: list[tuple[PurePath, Path]] = field(default_factory=list)
    others: list[PurePath] = field(default_factory=list)
    #: Whether the capture itself tells what it could not read.
    noted: bool = False

    def take(self, path: Path) -> None:
        """One file of the dump. Raises Unreadable."""
        where = inner_name(path.relative_to(self.below).as_posix())
        if is_archive(path):
            raise Unreadable(say("enrich.archive.inside"))
        if where.suffix in _ENDINGS or _is_whole_dump(path):
            raw = read_bytes(path)
            document = document_of(raw, where.suffix)
            noted = unread_in(document)
            if noted is not None:
                self.capture.unread += noted
                self.noted = True
                return
            if not self._has_objects(document, where, raw):
                return
            self.collected.take(document, where)
            if where.suffix not in YAML:
                self.capture.logs += _logs(raw, LogPlace(), only_marked=True)
        elif where.suffix in (".txt", ".log", ""):
            self.logs.append((where, path))
        elif where.suffix not in _BESIDE:
            self.others.append(where)

    def _has_objects(self, document: Json, where: PurePath, raw: bytes) -> bool:
        """False for text that only reads as YAML: a description or a table. Then it is named."""
        if isinstance(document, Mapping) and document.keys() & {"kind", "items"}:
            return True
        what = foreign(raw[:HEAD].decode(errors="replace"))
        if what:
            self.capture.troubles[str(where)] = what
        return not what

    def name(self, path: Path, why: str) -> None:
        """Says of a file that it was not read, and what it is instead, where that can be told."""
        if is_archive(path) or not _is_foreign(self.capture, self.below, path):
            self.capture.troubles[str(path.relative_to(self.below))] = why


def _read_dump(capture: Capture, root: Path, apart: Path | None) -> None:
    """Reads the dump below ``root``; what is declared in ``apart`` is nothing that runs."""
    reading = _Reading(capture, root.parent if root.is_file() else root)
    for path in _inside(root):
        if apart is not None and path.is_relative_to(apart):
            continue
        try:
            reading.take(path)
        except Unreadable as failure:
            reading.name(path, sentence_of(failure))
    if reading.others:
        kinds = sorted({where.suffix for where in reading.others})
        why = say("enrich.foreign.others", n=len(reading.others), kinds=kinds)
        capture.troubles[str(reading.others[0])] = why
    capture.objects = reading.collected.objects
    if not reading.noted:
        capture.listed = reading.collected.listed
    capture.troubles |= reading.collected.troubles
    pods: dict[str, set[str]] = {}
    for pod in capture.objects.get("pods", ()):
        pods.setdefault(name_of(pod), set()).add(namespace_of(pod))
    for where, path in reading.logs:
        place = place_of(where, pods)
        if place is not None and (place.pod or not _is_foreign(capture, reading.below, path)):
            _read_log(capture, reading.below, path, place)
        elif place is None and not _is_foreign(capture, reading.below, path) and where.suffix:
            capture.troubles[str(where)] = say("enrich.unreadable.no_object")


def _is_foreign(capture: Capture, below: Path, path: Path) -> bool:
    """Whether a text is what people's tools print instead of objects; then it is named, with what to give instead."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            what = foreign(file.read(HEAD).decode(errors="replace"))
    except (OSError, EOFError, zlib.error):
        return False  # said when it is read as a log
    if what:
        capture.troubles[str(path.relative_to(below))] = what
    return bool(what)


def _is_whole_dump(path: Path) -> bool:
    """Whether a text file is what ``kubectl cluster-info dump`` says on standard output: Lists, then logs."""
    if inner_name(path.name).suffix not in (".txt", ".log", ""):
        return False
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            head = file.read(1024)
    except (OSError, EOFError, zlib.error):
        return False  # said when it is read as a log
    return re.match(rb'\s*\{\s*"(?:kind|apiVersion)"', head) is not None and b'List"' in head


def _read_log(capture: Capture, root: Path, path: Path, place: LogPlace) -> None:
    """The end of each container's log; a file of any size, since only what is looked at is read."""
    where = str(path.relative_to(root))
    try:
        if path.suffix == ".gz":
            found = _logs(read_bytes(path), place)
        else:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                found = []
                if size:
                    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                        found = _logs(mapped, place)
    except Unreadable as failure:
        capture.troubles[where] = sentence_of(failure)
        return
    except (OSError, ValueError) as failure:
        capture.troubles[where] = sentence_of(failure)
        return
    if any(not log.pod for log in found):
        capture.troubles[where] = say("enrich.unreadable.no_pod")
    capture.logs += [log for log in found if log.pod]


def _logs(
    whole: bytes | mmap.mmap, place: LogPlace, *, only_marked: bool = False
) -> list[LogExcerpt]:
    found = []
    for section in sections(whole, place):
        if only_marked and not section.place.pod:
            continue
        start = max(section.start, section.end - _LOG_BYTES)
        text = whole[start : section.end].decode(errors="replace")
        if start > section.start:
            text = text.partition("\n")[2]  # a line that the bound cut into says nothing whole
        owner = section.place
        found.append(
            LogExcerpt(
                source="capture",
                namespace=owner.namespace,
                pod=owner.pod,
                container=owner.container,
                previous=owner.previous,
                lines=tuple(text.splitlines()[-_LOG_LINES:]),
            )
        )
    return found


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
            if path.stat().st_size > MAX_FILE:
                raise Unreadable(say("enrich.unreadable.too_large"))
            raw = path.read_bytes()
        except (OSError, Unreadable) as failure:
            capture.troubles[f"repository {where}"] = sentence_of(failure)
            continue
        capture.files[where.as_posix()] = raw
        if path.suffix not in _ENDINGS:
            continue
        try:
            documents = documents_of(raw)
        except Unreadable as failure:
            capture.troubles[f"repository {where}"] = sentence_of(failure)
            continue
        capture.declared += [
            DeclaredObject(path=where.as_posix(), document=number, object=document)
            for number, document in enumerate(documents)
            if isinstance(document, Mapping) and document.get("kind") and document.get("metadata")
        ]
    _overlay(capture)


def _overlay(capture: Capture) -> None:
    """What Kustomizations make takes the place of the files that they build from."""
    if not any(posixpath.basename(path) in kustomize.NAMES for path in capture.files):
        return
    made, covered = rendered(build(capture.files))
    kept = [entry for entry in capture.declared if entry.path not in covered]
    capture.declared = kept + [
        DeclaredObject(path=one.path, document=one.document, object=one.object) for one in made
    ]
