"""What to do about a record, given what the ledger knows. No merge request is a decision too, with its reason."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from kfix.incident import cluster_names
from kfix.incident.cluster_names import Fleet
from publish.core.auto_merge import may_merge_itself
from publish.core.spoken import AlertStanding
from schemas import errors
from schemas.identity import attempt_of
from schemas.validated import FileEdit, ValidatedPlan, ValidatedPlans

DecisionKind = Literal["open", "note", "recovered", "returned", "decline", "quiet"]


@dataclass(frozen=True, slots=True)
class TrackedMergeRequest:
    """A merge request in the ledger."""

    incident_id: str
    fingerprint: str
    project: str
    iid: int
    state: Literal["opened", "merged", "closed"]
    opened_at: datetime
    changes_hash: str = ""
    closed_at: datetime | None = None
    noted_at: datetime | None = None
    snoozed_until: datetime | None = None
    #: The forge's time of the last change up to which all that was said of it is known to the pipeline.
    read_through: datetime | None = None

    @property
    def takes_back(self) -> bool:
        """It takes a merged change back: its end is no decision about a fix."""
        return attempt_of(self.incident_id).revert


@dataclass(frozen=True, slots=True)
class Limits:
    """Policy of publish."""

    note_every: timedelta
    remember_closed: timedelta
    open_per_project: int
    opened_per_hour: int
    breaker: int
    observe: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done. ``why`` is a key of ``core.wording`` or empty; then the record's own explanation is told.

    ``because`` is the merge request whose end decided, ``reason`` one sentence more for people.
    """

    kind: DecisionKind
    why: str = ""
    because: TrackedMergeRequest | None = None
    reason: str = ""
    #: To open: the plans that may be published, the recommended one first.
    plans: tuple[Proven, ...] = ()


@dataclass(frozen=True, slots=True)
class Proven:
    """A plan whose edits are the very text that was proven, all of one project. Only ``proven`` makes it."""

    plan: ValidatedPlan
    project: str
    #: The branch that the edits are for.
    target: str
    #: It may merge without a person, as far as the record goes.
    alone: bool = False

    @property
    def edits(self) -> tuple[FileEdit, ...]:
        """The plan's edits."""
        return self.plan.edits


def proven(plan: ValidatedPlan, *, alone: bool = False) -> Proven:
    """``alone``: it may merge itself. Raises errors.Defect when the text is not the one that was proven, or of two projects."""
    projects = {edit.project for edit in plan.edits}
    if len(projects) != 1:
        raise errors.Defect(f"edits of {len(projects)} projects in one plan")
    for edit in plan.edits:
        if sha256(edit.after.encode()) != edit.after_sha256:
            raise errors.Defect(
                f"{edit.path} is not the text that was proven", reason="unproven_text"
            )
    return Proven(plan, projects.pop(), plan.edits[0].ref, alone)


def choose(
    record: ValidatedPlans,
    *,
    mine: TrackedMergeRequest | None,
    same_trouble: Sequence[TrackedMergeRequest],
    same_project: Sequence[TrackedMergeRequest],
    limits: Limits,
    now: datetime,
    alert: AlertStanding = AlertStanding(),  # noqa: B008 - frozen
    fleet: Fleet = Fleet(),  # noqa: B008 - frozen
    forge: bool = True,
    protected: Collection[str] = (),
    began: bool = False,
) -> Decision:
    """What to do about ``record``. Raises errors.Defect for one whose text to open is not the proven one.

    ``mine`` is the incident's own merge request, ``same_trouble`` those of its
    fingerprint, ``same_project`` those of the repository, newest first; ``alert`` is how the incident's alert stands,
    ``fleet`` the clusters that plans may be for, ``forge``: is there one? ``protected`` are environments beside production in
    which nothing merges by itself, ``began``: did this very record open ``mine``, on an earlier try?"""
    if record.reason == "muted":
        return Decision("quiet")
    known = _known(record, mine, limits, now, alert, began=began)
    if known is not None:
        return known
    if record.status != "solution_proposed" or recommended(record) is None:
        return Decision("decline") if record.role == "first" else Decision("quiet")
    if limits.observe:
        return Decision("decline", "observe")
    limited = _limited(same_trouble, same_project, limits, now) if mine is None else None
    if limited is None:
        return _open(record, fleet, protected, forge=forge)
    told = limited.kind == "decline" and record.role == "repeat"
    return Decision("quiet") if told else limited


def _known(
    record: ValidatedPlans,
    mine: TrackedMergeRequest | None,
    limits: Limits,
    now: datetime,
    alert: AlertStanding,
    *,
    began: bool,
) -> Decision | None:
    """What the incident's own merge request decides; ``None`` where a plan of the record may be published."""
    if record.role == "recovery":
        there = mine is not None and mine.state == "opened" and not limits.observe
        return Decision("recovered" if there and alert.over else "quiet")
    if mine is None:
        return None
    if record.role == "repeat" and not (began and mine.state == "opened"):
        return _again(mine, limits, now, alert)
    if mine.state == "opened":
        return None
    return Decision("decline", "already_merged" if mine.state == "merged" else "remembered")


def _open(
    record: ValidatedPlans, fleet: Fleet, protected: Collection[str], *, forge: bool
) -> Decision:
    if not forge:
        return Decision("decline", "no_forge")
    claim = cluster_names.again(record.context.claim, record.context.cluster, fleet)
    if not cluster_names.is_ours(claim):
        return Decision("decline", "another_cluster", reason=", ".join(claim.named))
    plans = sorted(
        (p for p in record.plans if p.accepted and p.edits and not p.plan.guess),
        key=lambda p: p.plan.plan_id != record.recommended,
    )
    if not plans:
        return Decision("decline", "no_edit")
    return Decision(
        "open",
        plans=tuple(proven(p, alone=may_merge_itself(record, p, protected)) for p in plans),
    )


def _again(
    mine: TrackedMergeRequest, limits: Limits, now: datetime, alert: AlertStanding
) -> Decision:
    if alert.over:
        return Decision("quiet")  # an older alert that comes late
    if alert.marked == "recovered" and mine.state == "opened" and not limits.observe:
        return Decision("returned")
    last = max(mine.noted_at or mine.opened_at, mine.opened_at)
    due = mine.state == "opened" and now - last >= limits.note_every and not limits.observe
    due = due and not snoozed(mine, now)
    return Decision("note") if due else Decision("quiet")


def snoozed(known: TrackedMergeRequest, now: datetime) -> bool:
    """Do people not want to hear of it now?"""
    return known.snoozed_until is not None and now < known.snoozed_until


def _limited(
    same_trouble: Sequence[TrackedMergeRequest],
    same_project: Sequence[TrackedMergeRequest],
    limits: Limits,
    now: datetime,
) -> Decision | None:
    """What stands in the way of a new merge request; ``None`` when nothing does."""
    if any(snoozed(known, now) for known in same_trouble):
        return Decision("quiet")
    for known in same_trouble:
        if known.takes_back:
            continue
        recent = known.closed_at is not None and now - known.closed_at < limits.remember_closed
        if known.state == "closed" and recent:
            return Decision("decline", "remembered", known)
    why = capped(same_project, limits.open_per_project, limits.opened_per_hour, now)
    if why:
        return Decision("decline", why)
    fixes = [known for known in same_project if not known.takes_back]
    ended = [known for known in fixes if known.state != "opened"][: limits.breaker]
    if len(ended) == limits.breaker and all(known.state == "closed" for known in ended):
        latest = max((k.closed_at for k in ended if k.closed_at is not None), default=None)
        if latest is not None and now - latest < limits.remember_closed:
            return Decision("decline", "circuit")
    return None


def capped(
    same_project: Sequence[TrackedMergeRequest], open_at_most: int, per_hour: int, now: datetime
) -> Literal["", "capped", "hourly"]:
    """Which cap of a repository is reached: merge requests that are open, or that were opened within the last hour."""
    if sum(known.state == "opened" for known in same_project) >= open_at_most:
        return "capped"
    since = now - timedelta(hours=1)
    return "hourly" if sum(k.opened_at > since for k in same_project) >= per_hour else ""


def recommended(record: ValidatedPlans) -> ValidatedPlan | None:
    """The accepted plan to publish. Raises errors.Defect when the record names one that was not accepted."""
    if not record.recommended:
        return None
    for validated in record.plans:
        if validated.plan.plan_id == record.recommended:
            if not validated.accepted:
                raise errors.Defect(
                    f"plan {record.recommended} is recommended but was not accepted"
                )
            return validated
    raise errors.Defect(f"plan {record.recommended} is recommended but not there")


def sha256(content: bytes) -> str:
    """Hash of a file's bytes, hex."""
    return hashlib.sha256(content).hexdigest()
