"""What a program names itself as the right value: a path, a port, a word that it expects. Pure.

Anybody may write a log line: such a value is for people to judge. A plan takes it only where the cluster itself has the
same value at a place of the same kind, and then it is the cluster's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from decide.core.findings import quote
from decide.core.names import alike
from decide.core.signals import LINE
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.kinds import WORKLOADS
from manifests.objects.pods import SORTS, declared, template_of
from manifests.objects.shapes import mapping
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.next_steps import NextStep

#: Lines read from the end of an excerpt, and values taken out of one line.
_LINES, _VALUES = 40, 8
#: How much alike a value must be to the word that was expected, to be a slip of it.
_SLIP = 0.7
#: Characters of a value that may be the beginning of the word.
_SHORT = 3
_WORD = r"[A-Za-z0-9][\w./:-]{0,99}"
#: One word in quotes of its own kind, or several behind each other.
_QUOTED = re.compile(rf"(?:'(?P<a>{_WORD})'|\"(?P<b>{_WORD})\"|`(?P<c>{_WORD})`)")
_LISTED = re.compile(
    r"\A[\s\[({]{0,3}(?P<list>[\w.-]{1,60}(?:(?:,\s?|\s?\|\s?| or )[\w.-]{1,60}){0,15})"
)
_EXPECTS = re.compile(
    r"(?i)\b(?:expected|must be|should be|has to be|did you mean|perhaps you meant|maybe you meant)\b"
    r"(?: one of)?[ :=]{0,3}"
)
_OFFERS = re.compile(
    r"(?i)\b(?:available|known|valid|allowed|supported|possible|accepted) "
    r"(?:keys?|values?|options?|modes?|names?|settings?)\b(?: are| is)?[ :=]{1,3}"
)
_PATH = re.compile(
    r"(?i)\b(?:health|healthz|readiness|ready|liveness|probe|status)[ _-]{0,2}(?:check )?"
    r"(?:endpoint|path|route|url|check|handler|page)\b[^/\r\n]{0,30}(?P<path>/[A-Za-z0-9][\w./-]{0,99})"
)
_PORT = re.compile(
    r"(?i)\b(?:listening|serving|served|bound|started)\b[^\r\n]{0,60}?(?::|\bport[ =:]{1,3})(?P<port>\d{2,5})(?!\d)"
)


@dataclass(frozen=True, slots=True)
class ToldValue:
    """Values of which one is said to be right, and the line that says so."""

    what: Literal["path", "port", "value"]
    values: tuple[str, ...]
    line: str


def told(lines: Iterable[str]) -> Iterator[ToldValue]:
    """What the lines name, in their order."""
    for line in lines:
        text = line[:LINE]
        for match in (_EXPECTS.search(text), _OFFERS.search(text)):
            values = _words(text[match.end() :]) if match is not None else ()
            if values:
                yield ToldValue("value", values, text)
        path, port = _PATH.search(text), _PORT.search(text)
        if path is not None:
            yield ToldValue("path", (path["path"].rstrip("."),), text)
        if port is not None and 0 < int(port["port"]) < 65536:
            yield ToldValue("port", (port["port"],), text)


def _words(rest: str) -> tuple[str, ...]:
    """The quoted words at the beginning, else the plain list that stands there after ``:`` or ``=``."""
    found: list[str] = []
    at = 0
    while len(found) < _VALUES and (match := _QUOTED.search(rest, at, at + 110)) is not None:
        if match.start() > at + 5:
            break
        found.append(next(v for v in match.groups() if v))
        at = match.end()
    if found:
        return tuple(found)
    listed = _LISTED.match(rest)
    words = re.split(r",\s?|\s?\|\s?| or ", listed["list"]) if listed is not None else []
    return tuple(words[:_VALUES]) if len(words) > 1 else ()


def said_by(view: ClusterView, workload: Workload) -> list[ToldValue]:
    """What the workload's own logs name, the last lines of each."""
    lines = [line for log in view.logs_of(workload) for line in log.lines[-_LINES:]]
    return view.memo(f"told {workload.ref.key}", lambda: list(told(lines)))


def meant(value: str, line: str) -> str:
    """The word that the line expects where ``value`` stands: the only one, or the only one that ``value`` is a slip of."""
    offered = [v for one in told([line]) if one.what == "value" for v in one.values if v != value]
    near = [v for v in dict.fromkeys(offered) if _is_near(v.lower(), value.lower())]
    return near[0] if len(near) == 1 else ""


def _is_near(word: str, value: str) -> bool:
    return alike(word, value) >= _SLIP or (len(value) >= _SHORT and word.startswith(value))


def is_set_elsewhere(view: ClusterView, name: str, value: str, apart: ObjectRef) -> bool:
    """Another object of the cluster sets the same name to the value: a ConfigMap's key, or a container's variable."""
    for config in view.all("configmaps"):
        meta = mapping(config, "metadata")
        own = (meta.get("namespace"), meta.get("name")) == (apart.namespace, apart.name)
        if not (own and apart.kind == "ConfigMap") and mapping(config, "data").get(name) == value:
            return True
    for plural, kind in WORKLOADS.items():
        for obj in view.all(plural):
            other = Workload(kind, obj)
            if (kind, other.name) == (apart.kind, apart.name) or other.name.startswith(apart.name):
                continue
            spec = mapping(template_of(obj, kind), "spec")
            for container in declared(spec, *SORTS):
                if any((e.get("name"), e.get("value")) == (name, value) for e in container.env):
                    return True
    return False


#: Parts of classes' ids to the kind of value that people look for in a program's words.
_LOOKED_FOR: tuple[tuple[str, Literal["path", "port", "value"]], ...] = (
    ("probe_path", "path"),
    ("probe_answers", "path"),
    ("probe_port", "port"),
    ("service_port", "port"),
    ("config", "value"),
    ("env", "value"),
)


def suggested(view: ClusterView, refs: Iterable[ObjectRef], class_id: str) -> Iterator[NextStep]:
    """The newest line in which a program names the kind of value that the class is about, for a person to judge."""
    kinds = {what for part, what in _LOOKED_FOR if part in class_id}
    for ref in dict.fromkeys(refs):
        workload = view.workload(ref.kind, ref.namespace, ref.name)
        found = [t for t in said_by(view, workload) if t.what in kinds] if workload else []
        if found:
            yield NextStep(what=say("steps.told", line=quote(found[-1].line)))
            return
