"""The figures of many attempts: rates with intervals, times, costs, who offends again, what was not proposed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from kfix.incident.trust.fixes import FALSE, JUDGED, MERGED, FixFacts, FixState
from kfix.incident.trust.intervals import Rate

#: Lines of the lists of offenders and of fixes that came back.
MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class Times:
    """Durations in seconds. ``median_s`` and ``p90_s`` (nearest rank) are ``None`` where there are none."""

    n: int = 0
    median_s: float | None = None
    p90_s: float | None = None


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How fixes of one failure class fared; an empty class: of all."""

    failure_class: str
    #: Merge requests that were opened, by what became of them.
    states: Mapping[FixState, int]
    came_back: int
    judged_bad: int
    #: Merged ones whose diagnosis a person calls wrong.
    wrong_cause: int
    to_merge_request: Times
    to_merge: Times
    to_recovery: Times

    @property
    def proposed(self) -> int:
        """All merge requests."""
        return sum(self.states.values())

    @property
    def merged(self) -> int:
        """Those that were merged."""
        return self._of(MERGED)

    @property
    def acceptance(self) -> Rate:
        """Merged, of those that were merged, closed or left to expire."""
        return Rate(self.merged, self.merged + self._of({"turned_down", "expired"}))

    @property
    def held(self) -> Rate:
        """Held, of the merged ones that were judged."""
        return Rate(self._of({"held"}), self._of(JUDGED))

    @property
    def false_fixes(self) -> Rate:
        """False fixes, of the merged ones that were judged."""
        return Rate(self._of(FALSE), self._of(JUDGED))

    @property
    def taken_back(self) -> Rate:
        """Taken back, of the merged ones."""
        return Rate(self._of({"taken_back"}), self.merged)

    def _of(self, states: Iterable[FixState]) -> int:
        return sum(self.states.get(state, 0) for state in states)


@dataclass(frozen=True, slots=True)
class Offender:
    """An object or a monitor with several incidents."""

    cluster: str
    #: The object as ``Kind/namespace/name``, or the monitor's id.
    name: str
    title: str
    incidents: int
    merged: int
    false_fixes: int


@dataclass(frozen=True, slots=True)
class NotProposed:
    """How many attempts ended without a merge request, for one reason."""

    status: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What one model was asked, as ``provider/model``."""

    model: str
    calls: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """Money for a million tokens."""

    input: float
    output: float

    def of(self, use: ModelUse) -> float:
        """What the use cost."""
        return (use.input_tokens * self.input + use.output_tokens * self.output) / 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What models cost. ``money``: by model, those alone that have a price."""

    uses: tuple[ModelUse, ...] = ()
    money: Mapping[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float | None:
        """All money; ``None`` where a model that was asked has no price."""
        if any(use.model not in self.money for use in self.uses):
            return None
        return sum(self.money.values())


@dataclass(frozen=True, slots=True)
class TrustFigures:
    """All of it. Attempts count by when their alert happened, calls to models by when they were made."""

    since: datetime | None
    until: datetime
    incidents: int
    total: ClassFigures
    #: The class with most merge requests first.
    classes: tuple[ClassFigures, ...]
    not_proposed: tuple[NotProposed, ...]
    objects: tuple[Offender, ...]
    monitors: tuple[Offender, ...]
    #: Fixes that held and whose alert came again within a day, the newest first.
    came_back: tuple[FixFacts, ...]
    cost: Cost


@dataclass(frozen=True, slots=True)
class Group:
    """How many attempts are alike in all that is counted."""

    failure_class: str
    status: str
    reason: str
    state: FixState
    came_back: bool
    judged_bad: bool
    wrong_cause: bool
    count: int


#: Failure class, and seconds from an alert to its merge request, merge and recovery.
Span = tuple[str, float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class Counted:
    """Attempts as they were counted. ``spans``: one of each that had a merge request."""

    incidents: int
    groups: Sequence[Group]
    spans: Sequence[Span]
    objects: tuple[Offender, ...] = ()
    monitors: tuple[Offender, ...] = ()
    came_back: tuple[FixFacts, ...] = ()


def figures_of(
    counted: Counted,
    uses: Iterable[ModelUse],
    prices: Mapping[str, ModelPrice],
    *,
    since: datetime | None,
    until: datetime,
) -> TrustFigures:
    """The figures of these attempts. ``prices`` by ``provider/model``."""
    silent: Counter[tuple[str, str]] = Counter()
    classes: dict[str, list[Group]] = {}
    spans: dict[str, list[Span]] = {}
    for group in counted.groups:
        if group.state == "none":
            silent[group.status, group.reason] += group.count
        else:
            classes.setdefault(group.failure_class, []).append(group)
    for span in counted.spans:
        spans.setdefault(span[0], []).append(span)
    told = [_class(name, groups, spans.get(name, [])) for name, groups in classes.items()]
    every = [group for groups in classes.values() for group in groups]
    return TrustFigures(
        since,
        until,
        counted.incidents,
        _class("", every, counted.spans),
        tuple(sorted(told, key=lambda one: (-one.proposed, one.failure_class))),
        tuple(NotProposed(*key, n) for key, n in sorted(silent.items(), key=_most_first)),
        counted.objects,
        counted.monitors,
        counted.came_back,
        _cost(uses, prices),
    )


def _class(name: str, groups: Sequence[Group], spans: Sequence[Span]) -> ClassFigures:
    states: Counter[FixState] = Counter()
    for group in groups:
        states[group.state] += group.count
    merged = [group for group in groups if group.state in MERGED]
    opened = times_of(one for _, one, _, _ in spans if one is not None)
    merge = times_of(one for _, _, one, _ in spans if one is not None)
    recovery = times_of(one for _, _, _, one in spans if one is not None)
    return ClassFigures(
        name,
        states,
        sum(group.count for group in merged if group.came_back),
        sum(group.count for group in merged if group.judged_bad),
        sum(group.count for group in merged if group.wrong_cause),
        opened,
        merge,
        recovery,
    )


def times_of(seconds: Iterable[float]) -> Times:
    """The median (mean of the middle two) and the 90th percentile by nearest rank: the smallest that 90 % do not exceed."""
    ordered = sorted(seconds)
    if not ordered:
        return Times()
    return Times(len(ordered), median(ordered), ordered[-(-9 * len(ordered) // 10) - 1])


def _cost(uses: Iterable[ModelUse], prices: Mapping[str, ModelPrice]) -> Cost:
    told = tuple(sorted(uses, key=lambda use: use.model))
    return Cost(told, {use.model: prices[use.model].of(use) for use in told if use.model in prices})


def _most_first(item: tuple[tuple[str, str], int]) -> tuple[int, tuple[str, str]]:
    return -item[1], item[0]
