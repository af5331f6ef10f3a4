"""What a probe asks, and what is around it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from decide.core.families.probes.facts import Probe
from decide.core.families.probes.known import Served
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, mapping, number

PROBES: tuple[Probe, ...] = get_args(Probe)


def handler(probe: Obj) -> tuple[str, object]:
    """Kind of a probe (``http``, ``tcp``, ``grpc``, ``exec``, ``""``) and its port."""
    for kind, key in (("http", "httpGet"), ("tcp", "tcpSocket"), ("grpc", "grpc")):
        if isinstance(probe.get(key), dict):
            return kind, at(probe, key, "port")
    return ("exec", None) if probe.get("exec") else ("", None)


def resolved(container: Container, port: object) -> int | None:
    """A probe's port as a number; ``None`` for a name that the container does not have."""
    if isinstance(port, int):
        return port
    text = str(port or "")
    if text.isdecimal():
        return int(text)
    named = [p for p in container.ports if p.get("name") == text]
    return number(named[0].get("containerPort")) if named else None


def patience_s(probe: Obj) -> int:
    """Seconds from the container's start until the probe has failed for good."""
    period = number(probe.get("periodSeconds"), 10)
    return number(probe.get("initialDelaySeconds")) + period * number(
        probe.get("failureThreshold"), 3
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedProbe:
    """A container's probe, with what is around it."""

    container: Container
    name: Probe
    spec: Obj
    #: What its program serves by default; ``None`` where that is not known for sure.
    known: Served | None
    #: Kind and port of the same probe of ready workloads that run the same image.
    twins: tuple[tuple[str, int | None], ...]
    #: Every port that its known program can listen at; empty where that is not known.
    listened: frozenset[int] = frozenset()
    #: Ports at which the program itself says that it serves.
    said: frozenset[int] = frozenset()
    #: What the program says of how long its start took, in seconds.
    started_s: float | None = None
    #: The container's probes that are seen to succeed.
    well: frozenset[Probe] = frozenset()

    @property
    def kind(self) -> str:
        """``http``, ``tcp``, ``grpc``, ``exec`` or empty."""
        return handler(self.spec)[0]

    @property
    def port(self) -> object:
        """As it is stated: a number, a name, or nothing."""
        return handler(self.spec)[1]

    @property
    def number(self) -> int | None:
        """The port as a number; ``None`` for a name that the container does not have."""
        return resolved(self.container, self.port)

    @property
    def declared(self) -> list[int]:
        """The container's ports, in order."""
        stated = {number(p.get("containerPort")) for p in self.container.ports}
        return sorted(stated - {0})

    def others(self) -> Iterator[tuple[str, str, int | None]]:
        """The container's other probes: name, kind and port."""
        for other in PROBES:
            spec = mapping(self.container.spec.get(f"{other}Probe"))
            if other != self.name and spec:
                kind, port = handler(spec)
                yield other, kind, resolved(self.container, port)
