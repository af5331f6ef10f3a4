"""What a family brings besides its records: the rules that find its classes and the plans that repair them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from decide.core.drafting.drafts import Draft
from decide.core.findings import Finding
from decide.core.objects import Workload
from decide.core.view import ClusterView

Rule = Callable[[ClusterView], Iterator[Finding]]
Builder = Callable[[Finding, ClusterView], list[Draft]]
#: Whether a workload and its declared twin differ at the place of the fault.
Differs = Callable[[Finding, Workload, Workload], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One family's. Keys are ids of its classes."""

    rules: tuple[Rule, ...] = ()
    builders: Mapping[str, Builder] = field(default_factory=dict)
    #: Of faults whose place is not a field of the pod spec.
    differs: Mapping[str, Differs] = field(default_factory=dict)
    #: Whether the plan would only silence a warning of another trouble.
    silences: Mapping[str, Callable[[Finding], bool]] = field(default_factory=dict)
