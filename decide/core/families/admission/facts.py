"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from decide.core.rights import DeniedRight
from manifests.objects.shapes import Obj
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPods(Facts):
    """A workload whose pods the API server refuses."""

    workload: Workload
    #: The API server's words.
    message: str
    #: The ServiceAccount that it does not find; empty where it names none.
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullQuota(Facts):
    """A quota that has no room. Amounts are quantities as manifests write them, empty where nobody tells."""

    #: The ResourceQuota; ``None`` where it was not collected.
    quota: Obj | None
    #: The key of its ``hard``: ``requests.cpu``, ``count/jobs.batch``.
    resource: str
    hard: str
    used: str = ""
    #: What one more object asks for.
    asked: str = ""
    #: How many objects are missing.
    missing: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentClaim(Facts):
    """A workload that mounts a claim which does not exist."""

    workload: Workload
    #: The claim's name.
    claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedRights(Facts):
    """A workload that the API server tells what it may not do."""

    workload: Workload
    #: The rights that one account lacks, as the log tells them; empty where its words name no ServiceAccount.
    denied: tuple[DeniedRight, ...] = ()

    @property
    def beside_template(self) -> bool:
        """Roles and bindings are no part of the workload; which account it runs as is told apart."""
        return bool(self.denied)
