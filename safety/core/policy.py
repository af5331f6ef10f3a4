"""What the organisation allows. Read from a YAML file; these defaults hold without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kfix.incident import environments
from schemas.base import Environment
from schemas.places import EnvironmentProof
from schemas.plans import ActionPlan, FixKind
from schemas.validated import CheckName

#: A way out of a full quota.
QuotaWay = Literal["request", "replicas", "quota"]


class EnvironmentPolicy(BaseModel):
    """Rules of one environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: May K-Fix propose changes at all?
    propose: bool = True
    #: May a merge request merge by itself once its pipeline has passed? Ignored in production: there it never may.
    auto_merge: bool = False
    #: Kinds of fixes that may be proposed; empty: all.
    allowed_fixes: tuple[FixKind, ...] = ()
    forbidden_fixes: tuple[FixKind, ...] = ()
    #: Checks whose ``unknown`` is accepted. Ignored in production: there nothing unknown passes.
    tolerated_unknowns: tuple[CheckName, ...] = ()


class ClusterPolicy(BaseModel):
    """What a cluster takes away from the rules of its environment; it adds nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: ``false``: nothing is proposed for it.
    propose: bool = True
    #: ``false``: nothing merges by itself in it.
    auto_merge: bool = True
    forbidden_fixes: tuple[FixKind, ...] = ()

    def of(self, rules: EnvironmentPolicy) -> EnvironmentPolicy:
        """The environment's rules in this cluster."""
        return rules.model_copy(
            update={
                "propose": rules.propose and self.propose,
                "auto_merge": rules.auto_merge and self.auto_merge,
                "forbidden_fixes": (*rules.forbidden_fixes, *self.forbidden_fixes),
            }
        )


class Policy(BaseModel):
    """The policy. Numbers bound what one merge request may ask for."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: str = "default-1"
    production: EnvironmentPolicy = EnvironmentPolicy()
    staging: EnvironmentPolicy = EnvironmentPolicy(
        tolerated_unknowns=("node_fit", "historical_failures", "render")
    )
    development: EnvironmentPolicy = EnvironmentPolicy(
        tolerated_unknowns=(
            "node_fit",
            "historical_failures",
            "limit_range",
            "resource_quota",
            "disruption_budget",
            "render",
        )
    )
    #: By a cluster's name, as the settings say it.
    clusters: dict[str, ClusterPolicy] = Field(default_factory=dict)
    #: May an edit that cannot be rendered here (values of a chart that is kept elsewhere) be proposed in production,
    #: marked so? Otherwise it is left to people.
    unrendered_in_production: bool = False
    #: Kinds of fixes that people merge, wherever the environment would let them merge by themselves.
    merged_by_people: tuple[FixKind, ...] = ("set_access",)
    #: Environments beside production in which nothing merges by itself, whatever their own rules say. They only add.
    protected_environments: tuple[str, ...] = ()
    #: Namespaces in which nothing is proposed: their owners are not the teams that K-Fix talks to.
    protected_namespaces: tuple[str, ...] = ("kube-system", "kube-public", "kube-node-lease")
    #: Replicas of one workload, and upper bound of an autoscaler.
    max_replicas: int = Field(default=50, ge=1)
    #: One change may multiply replicas, CPU or memory by this at most; more is left to people.
    max_factor: float = Field(default=4.0, gt=1)
    #: Up to these amounts the factor does not count: a limit of 5 MiB that was a slip needs more than four times as much.
    small_cpu_cores: float = Field(default=0.1, ge=0)
    small_memory_mib: float = Field(default=64.0, ge=0)
    #: Cores and MiB that one container may ask for.
    max_cpu_cores: float = Field(default=16.0, gt=0)
    max_memory_mib: float = Field(default=65_536.0, gt=0)
    #: Which way out of a full quota comes first: the workload asks for less, has fewer replicas, or the quota is raised.
    #: What is left out comes last, in the order in which it was proposed.
    quota_order: tuple[QuotaWay, ...] = ("request", "quota", "replicas")
    #: Earlier failures of the same kind of fix on the same object after which it is not proposed again, whatever values it
    #: sets. One more than decide allows for the same values before: a raise that was too small may be followed by another.
    veto_after_failures: int = Field(default=3, ge=1)

    def of(self, environment: Environment) -> EnvironmentPolicy:
        """The rules of an environment; an unknown one is treated like production."""
        known = {"staging": self.staging, "development": self.development}
        return known.get(environment, self.production)

    def in_cluster(self, name: str) -> Policy:
        """The policy as it holds in a cluster."""
        own = self.clusters.get(name)
        if own is None:
            return self
        ways = ("production", "staging", "development")
        return self.model_copy(update={way: own.of(getattr(self, way)) for way in ways})

    def is_production(self, environment: Environment) -> bool:
        """Whether the strictest rules hold: in production, and wherever the environment is not known."""
        return environment not in ("staging", "development")

    def tolerates(self, environment: Environment, check: CheckName) -> bool:
        """Whether this check may be unknown here.

        ``repairs`` may everywhere: people see what the objects do not tell, and such a plan never merges by itself.
        """
        if check == "repairs":
            return True
        if self.is_production(environment):
            return check == "render" and self.unrendered_in_production
        return check in self.of(environment).tolerated_unknowns

    def merges_by_itself(self, proof: EnvironmentProof, *kinds: FixKind) -> bool:
        """Only where a lower environment is proven, its rules say so, and nothing protects it, nor a kind of fix in it. Never in
        production, whatever the file says."""
        proven = environments.may_merge(proof, self.protected_environments)
        return (
            proven
            and not set(kinds) & set(self.merged_by_people)
            and self.of(proof.environment).auto_merge
        )

    def in_order(self, plans: Sequence[ActionPlan]) -> tuple[ActionPlan, ...]:
        """The plans in the order in which they are tried: of those that make room in a quota, as ``quota_order`` says."""
        if not any(plan.fix_kind == "set_quota" for plan in plans):
            return tuple(plans)
        ways = {way: n for n, way in enumerate(self.quota_order)}
        ordered = sorted(plans, key=lambda plan: ways.get(_way(plan), len(ways)))
        return tuple(p.model_copy(update={"priority": n}) for n, p in enumerate(ordered, 1))


def _way(plan: ActionPlan) -> QuotaWay:
    """What a plan does about a quota."""
    if plan.fix_kind == "set_quota":
        return "quota"
    return "replicas" if plan.fix_kind == "set_replicas" else "request"
