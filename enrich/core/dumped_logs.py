"""Logs as kubectl and its relatives leave them in files: whose they are, and where one container's log ends. Pure.

``kubectl cluster-info dump`` writes the logs of all containers of a pod into one file, each between
``==== START logs for container NAME of pod NAMESPACE/POD ====`` and the same with ``END`` (cluster_info_dump.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from mmap import mmap
from pathlib import PurePath

_MARK = (
    rb"==== %s logs for container ([\w.-]{1,253}) of pod ([\w.-]{1,253})/([\w.-]{1,253}) ====\r?\n?"
)
_BEGINNING = b"==== START logs for container "
_START = re.compile(_MARK % rb"START")
_SECTION = re.compile(
    r"^==== START logs for container (\S+ of pod \S+) ====$.*?(?:==== END logs for container \1 ====|\Z)",
    re.MULTILINE | re.DOTALL,
)
#: kubectl's own words where it got no log; no container said them.
_NO_LOG = re.compile(rb"\A(?:Request log|Create log request) error: [^\n]*\n?\Z")
#: Sections of one file; a log that only looks as if it had more is cut here.
_MAX_SECTIONS = 1_000
_PREVIOUS = re.compile(r"(?:^|[-_.])(?:previous|prev|last)(?=$|[-_.])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Whose log it is; empty where nothing says it."""

    namespace: str = ""
    pod: str = ""
    container: str = ""
    previous: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Bytes ``start`` to ``end`` of a file are one container's log."""

    place: LogPlace
    start: int
    end: int


def place_of(path: PurePath, pods: Mapping[str, set[str]]) -> LogPlace | None:
    """Whose log a file is, by its path below the dump. ``pods``: the namespaces of each pod name. ``None``: no log.

    ``<ns>/<pod>/[<container>-]logs[-previous].txt`` (kubectl), ``<ns>/<pod>/<container>.log``,
    ``namespaces/<ns>/pods/<pod>/<c>/<c>/logs/<current|previous>.log`` (oc adm inspect), and ``<pod>[-<container>].log``
    anywhere when one pod has that name. An empty place: a log of nobody known.
    """
    parts, stem = path.parts, path.stem
    is_log = path.suffix == ".log" or "logs" in stem
    if "pods" in parts[:-2] and is_log:
        at = len(parts) - 1 - parts[::-1].index("pods")
        if at >= 1 and len(parts) > at + 2:
            container = parts[at + 2] if len(parts) > at + 3 else _said(stem)
            return LogPlace(parts[at - 1], parts[at + 1], container, _previous(stem))
    if len(parts) >= 3 and is_log:
        namespace, pod = parts[-3], parts[-2]
        if pod in pods or not _by_name(stem, pods):
            return LogPlace(namespace, pod, _said(stem), _previous(stem))
    if not is_log:
        return None
    return _by_name(stem, pods, parts) or LogPlace()


def sections(whole: bytes | mmap, place: LogPlace) -> Iterator[Section]:
    """The containers' logs in one file; the file itself when it has no marks of this pod.

    Of a mapped file only what is looked at is in memory.
    """
    starts = []
    for match in _starts(whole):
        container, namespace, pod = (part.decode() for part in match.groups())
        if place.pod and (namespace, pod) != (place.namespace, place.pod):
            continue  # another pod's mark inside this pod's log: a program printed it
        starts.append((match, replace(place, namespace=namespace, pod=pod, container=container)))
        if len(starts) == _MAX_SECTIONS:
            break
    if not starts:
        yield Section(place, 0, len(whole))
        return
    for number, (match, owner) in enumerate(starts):
        limit = starts[number + 1][0].start() if number + 1 < len(starts) else len(whole)
        ending = b"==== END logs for container %s of pod %s/%s ====" % match.groups()
        end = whole.rfind(ending, match.end(), limit)
        section = Section(owner, match.end(), limit if end < 0 else end)
        if not _NO_LOG.match(whole[section.start : min(section.end, section.start + 2_000)]):
            yield section


def _starts(whole: bytes | mmap) -> Iterator[re.Match[bytes]]:
    """Marks at the beginning of a line; searched for as plain bytes, which a regular expression is slower at."""
    at = whole.find(_BEGINNING)
    while at >= 0:
        match = _START.match(whole, at)
        if match is not None and (at == 0 or whole[at - 1] == ord("\n")):
            yield match
        at = whole.find(_BEGINNING, at + 1)


def without_logs(text: str) -> str:
    """The text without its log sections: what is left of a dump on standard output is JSON."""
    return _SECTION.sub("", text)


def _previous(stem: str) -> bool:
    return _PREVIOUS.search(stem) is not None


def _said(stem: str) -> str:
    """The container in a file's name: ``app-logs-previous`` → ``app``; ``current`` and ``logs`` say none."""
    rest = _PREVIOUS.sub("", stem)
    rest = re.sub(r"(?:^|[-_.])(?:logs?|current|insecure)(?=$|[-_.])", "", rest)
    return rest.strip("-_. ")


def _by_name(
    stem: str, pods: Mapping[str, set[str]], parts: tuple[str, ...] = ()
) -> LogPlace | None:
    """The pod that a file is named after, when exactly one can be meant."""
    words = re.split(r"(?=[-_.])", stem)
    for length in range(len(words), 0, -1):
        name = "".join(words[:length])
        spaces = pods.get(name, set())
        named = spaces & set(parts) or spaces
        if len(named) == 1:
            rest = "".join(words[length:])
            return LogPlace(next(iter(named)), name, _said(rest), _previous(rest))
    return None
