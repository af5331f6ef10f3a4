"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from decide.core.graph import Address
from manifests.objects.shapes import Obj
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectsNothing(Facts):
    """A Service whose selector no pod has; the workload is the one that it most likely means."""

    workload: Workload
    service: Obj


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPort(Facts):
    """A Service's port that leads to none of the workload's."""

    workload: Workload
    service: Obj
    #: The entry of ``spec.ports``.
    port: Obj


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherProtocol(OtherPort):
    """A Service's port of another transport protocol than the container's."""

    #: The container's: TCP, UDP or SCTP.
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentService(Facts):
    """A workload that is called by the name of a Service that it does not have."""

    workload: Workload
    caller: Workload
    #: The Service's name as the caller writes it.
    name: str
    #: The deployment repository declares it.
    declared: bool
    #: The port that is called; ``None`` where the address has none.
    port: int | None

    @property
    def concerns(self) -> tuple[str, ...]:
        """The workload, and who calls the service."""
        return self.workload.name, self.caller.name


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongAddress(Facts):
    """An address in a workload's configuration that no Service has."""

    workload: Workload
    address: Address
    #: The Service that is most likely meant; empty where none is.
    near: str
    #: Its namespace, where the address names another one; else empty.
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSettings(Facts):
    """How a workload's pods resolve names."""

    workload: Workload
    #: ``dnsPolicy``.
    policy: str
    #: ``dnsConfig.nameservers``.
    servers: tuple[str, ...]
