"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.shapes import Obj
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef


@dataclass(frozen=True, slots=True)
class Route:
    """A path and where it leads, in the text of a gateway's configuration."""

    #: The ConfigMap.
    owner: ObjectRef
    name: str
    #: May end in a pattern: ``/cart/**``.
    path: str
    #: The first label of the host.
    backend: str
    #: The ConfigMap's key.
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongRoute(Facts):
    """A route that leads nowhere, or elsewhere than it should."""

    #: What should stand there: a Service's name, a port, a class; empty where nobody knows.
    right: str | int

    @property
    def aims(self) -> tuple[str, ...]:
        """The name that the route may have been meant to have."""
        return (str(self.right),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredRoute(WrongRoute):
    """A route in a gateway's configuration; the workload is the one that should be reached."""

    workload: Workload
    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredRoute(WrongRoute):
    """A route that is an object."""

    obj: Obj
    #: The field path of what is wrong; empty where only the gateway's words tell.
    place: str = ""
