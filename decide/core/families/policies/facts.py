"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from decide.core.netpol import Direction
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.plans import FixKind


def policy_ref(policy: Obj) -> ObjectRef:
    """The NetworkPolicy's reference."""
    return ObjectRef(
        api_version="networking.k8s.io/v1",
        kind="NetworkPolicy",
        namespace=namespace_of(policy),
        name=name_of(policy),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTraffic(Facts):
    """A workload that NetworkPolicies close."""

    workload: Workload
    #: The policies that select it, and close this direction of its traffic; at least one.
    policies: tuple[Obj, ...]
    direction: Direction
    #: Who may not come in, or where it may not go; ``None`` where nobody is known.
    peer: Workload | None = None
    #: The port of the pods that are called; ``None``: any.
    port: int | None = None
    #: It may not ask the cluster's DNS.
    dns: bool = False
    #: The peer is nobody's known caller or callee: only the policies' own words point at it.
    guessed: bool = False

    @property
    def beside_template(self) -> bool:
        """Policies are no part of the workload."""
        return True

    @property
    def stands_beside(self) -> tuple[tuple[str, Obj, str], ...]:
        """The policies' rules of the direction."""
        return tuple(("NetworkPolicy", one, f"spec.{self.direction}") for one in self.policies)

    @property
    def fix_kind(self) -> FixKind:
        """A change of a policy."""
        return "set_network_policy"

    @property
    def concerns(self) -> tuple[str, ...]:
        """The workload, and its peer."""
        return (self.workload.name,) if self.peer is None else (self.workload.name, self.peer.name)
