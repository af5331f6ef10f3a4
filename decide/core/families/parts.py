"""What a family brings besides its records: the rules that find its classes and the plans that repair them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from decide.core.drafting.drafts import PlanDraft
from decide.core.facts import Facts
from decide.core.findings import Finding
from decide.core.proof.standing import Standing
from decide.core.view import ClusterView
from manifests.objects.workloads import Workload

Rule = Callable[[ClusterView], Iterator[Finding]]
_Told = TypeVar("_Told", bound=Facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A class's builder together with the type of facts that it reads. Raises TypeError for facts of another type."""

    facts: type[Facts]
    build: Callable[[Finding[Any], ClusterView], list[PlanDraft]]
    #: Whether a workload and its declared twin differ at the place of the fault, where that is no field of the pod spec.
    differs: Callable[[Finding[Any], Workload, Workload], bool] | None = None

    def __call__(self, finding: Finding, view: ClusterView) -> list[PlanDraft]:
        if not isinstance(finding.facts, self.facts):
            given, wanted = type(finding.facts).__name__, self.facts.__name__
            raise TypeError(f"{finding.failure_class} was found with {given}, not {wanted}")
        return self.build(finding, view)


def repair(
    facts: type[_Told],
    build: Callable[[Finding[_Told], ClusterView], list[PlanDraft]],
    *,
    differs: Callable[[Finding[_Told], Workload, Workload], bool] | None = None,
) -> Repair:
    """A builder for findings with these facts: a checker finds a field that the type does not have.

    ``differs`` compares a workload with its declared twin, where the fault's place is no field of the pod spec.
    """
    return Repair(facts=facts, build=build, differs=differs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A class's question to the declared objects: would they make the symptom?"""

    facts: type[Facts]
    ask: Callable[[Finding[Any], ClusterView], Standing]
    #: Where it stands, the declarations alone keep the subject from being well: it is no guess beside others.
    certain: bool = False

    @property
    def asks(self) -> str:
        """What is asked, as its docstring says: a sentence for the documentation."""
        return (self.ask.__doc__ or "").strip().split("\n")[0]

    def __call__(self, finding: Finding, view: ClusterView) -> Standing:
        if not isinstance(finding.facts, self.facts):
            given, wanted = type(finding.facts).__name__, self.facts.__name__
            raise TypeError(f"{finding.failure_class} was found with {given}, not {wanted}")
        return self.ask(finding, view)


def cause(
    facts: type[_Told],
    ask: Callable[[Finding[_Told], ClusterView], Standing],
    *,
    certain: bool = False,
) -> Cause:
    """A question about findings with these facts. ``ask`` may be given the state before a plan and the one after."""
    return Cause(facts=facts, ask=ask, certain=certain)


#: Faults that declarations alone show at a workload, whatever was observed: findings of the family's classes.
Declared = Callable[[ClusterView, Workload], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One family's. Keys are ids of its classes."""

    rules: tuple[Rule, ...] = ()
    builders: Mapping[str, Repair] = field(default_factory=dict)
    #: What makes each class' symptom, asked of the objects before and after a plan.
    causes: Mapping[str, Cause] = field(default_factory=dict)
    #: What would be wrong with a workload by its declarations alone; asked of the objects after a plan.
    declared: tuple[Declared, ...] = ()
    #: Whether the plan would only silence a warning of another trouble.
    silences: Mapping[str, Callable[[Finding], bool]] = field(default_factory=dict)
