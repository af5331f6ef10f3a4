"""What a runtime has been told about its heap: flags of the JVM, of V8, and Go's soft limit. Pure.

Sources: the ``java`` command's ``-Xmx``, ``-XX:MaxHeapSize`` and ``-XX:MaxRAMPercentage`` (an absolute size beats the share,
of equal flags the last one wins, and ``JAVA_TOOL_OPTIONS`` are read before the command line); Node's
``--max-old-space-size`` in MiB; ``GOMEMLIMIT`` of Go's ``runtime`` package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from manifests.objects.pods import Container
from manifests.objects.shapes import items

_MIB = 2**20
_UNITS = {"": 1, "k": 1024, "m": _MIB, "g": 1024 * _MIB, "t": _MIB * _MIB}
_GO_UNITS = {"B": 1, "KiB": 1024, "MiB": _MIB, "GiB": 1024 * _MIB, "TiB": _MIB * _MIB}
_XMX = re.compile(r"-(?:Xmx|XX:MaxHeapSize=)(\d+)([kKmMgGtT]?)\b")
_PERCENT = re.compile(r"-XX:MaxRAMPercentage=(\d+(?:\.\d+)?)")
_OLD_SPACE = re.compile(r"--max[-_]old[-_]space[-_]size=(\d+)")
_GO = re.compile(r"^(\d+)(B|KiB|MiB|GiB|TiB)?$")
#: Share of the container's memory that a fixed heap may take: stacks, code, metaspace and buffers need the rest.
_BESIDE_JVM, _BESIDE_V8, _BESIDE_GO = 0.75, 0.75, 0.9


@dataclass(frozen=True, slots=True)
class Heap:
    """A heap of ``fixed`` bytes that may be ``share`` of the memory, or, without ``fixed``, one that is that share of it."""

    flag: str
    fixed: float | None
    share: float


def heap_of(container: Container) -> Heap | None:
    """What the container's environment and command line say; ``None`` where they say nothing."""
    fixed = share = None
    for text in _texts(container):
        for size, unit in _XMX.findall(text):
            fixed = Heap("-Xmx", float(int(size) * _UNITS[unit.lower()]), _BESIDE_JVM)
        for percent in _PERCENT.findall(text):
            if 0 < float(percent) < 100:
                share = Heap("MaxRAMPercentage", None, float(percent) / 100)
        for size in _OLD_SPACE.findall(text):
            fixed = Heap("--max-old-space-size", float(int(size) * _MIB), _BESIDE_V8)
    return fixed or share or _go(container)


def _go(container: Container) -> Heap | None:
    for entry in container.env:
        found = (
            _GO.match(str(entry.get("value") or "")) if entry.get("name") == "GOMEMLIMIT" else None
        )
        if found:
            return Heap("GOMEMLIMIT", float(int(found[1]) * _GO_UNITS[found[2] or "B"]), _BESIDE_GO)
    return None


def within(container: Container, limit: float) -> list[tuple[str, str]]:
    """What makes a heap that is told to be larger than the limit leaves room for fit it: field of the container, new text.

    ``limit``: bytes. Empty for a heap that fits, and for one whose size stands elsewhere.
    """
    out: list[tuple[str, str]] = []
    for n, entry in enumerate(container.env):
        text = str(entry.get("value") or "")
        fitted = _fitted(text, limit)
        if entry.get("name") == "GOMEMLIMIT" and (said := _GO.match(text)):
            most = limit * _BESIDE_GO
            if int(said[1]) * _GO_UNITS[said[2] or "B"] > most:
                fitted = f"{int(most / _MIB)}MiB"
        if fitted != text:
            out.append((f"env[{n}].value", fitted))
    for key in ("command", "args"):
        for n, word in enumerate(items(container.spec.get(key))):
            if isinstance(word, str) and (fitted := _fitted(word, limit)) != word:
                out.append((f"{key}[{n}]", fitted))
    return out


#: A heap that takes more of the memory than this leaves too little beside it; it gets what a fixed one may have.
_GREEDY = 80.0


def _fitted(text: str, limit: float) -> str:
    """The text with each size that is too large set from the limit; flags keep their spelling."""
    most = int(limit * _BESIDE_JVM / _MIB)

    def jvm(said: re.Match[str]) -> str:
        size = int(said[1]) * _UNITS[said[2].lower()]
        return (
            said[0]
            if size <= limit * _BESIDE_JVM
            else f"{said[0][: said.start(1) - said.start()]}{most}m"
        )

    def v8(said: re.Match[str]) -> str:
        size = int(said[1]) * _MIB
        return (
            said[0]
            if size <= limit * _BESIDE_V8
            else f"{said[0][: said.start(1) - said.start()]}{most}"
        )

    def percent(said: re.Match[str]) -> str:
        return (
            said[0]
            if float(said[1]) <= _GREEDY
            else f"-XX:MaxRAMPercentage={_BESIDE_JVM * 100:.0f}"
        )

    return _PERCENT.sub(percent, _OLD_SPACE.sub(v8, _XMX.sub(jvm, text)))


def _texts(container: Container) -> Iterator[str]:
    """Option texts in the order in which they are read."""
    env = sorted(container.env, key=lambda entry: entry.get("name") != "JAVA_TOOL_OPTIONS")
    yield from (str(entry.get("value") or "") for entry in env)
    for key in ("command", "args"):
        yield from (str(word) for word in items(container.spec.get(key)))
