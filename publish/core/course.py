"""What to do about a record, given what the ledger knows. No merge request is a course too, with its reason."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from kfix.incident import environments
from kfix.incident.forge.port import Head
from manifests.repository.reach import Reach
from publish.core.spoken import AlertStanding
from schemas import errors
from schemas.validated import ValidatedPlan, ValidatedPlans

CourseKind = Literal["open", "note", "recovered", "returned", "decline", "quiet"]


@dataclass(frozen=True, slots=True)
class Known:
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
    #: The forge's time of the last change up to which all that was said of it is known to the river.
    read_through: datetime | None = None


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
class Course:
    """The decision. ``why`` is a key of ``core.wording`` or empty; then the record's own explanation is told.

    ``because`` is the merge request whose end decided.
    """

    kind: CourseKind
    why: str = ""
    because: Known | None = None


def choose(
    record: ValidatedPlans,
    *,
    mine: Known | None,
    same_trouble: Sequence[Known],
    same_project: Sequence[Known],
    limits: Limits,
    now: datetime,
    alert: AlertStanding = AlertStanding(),  # noqa: B008 - frozen
) -> Course:
    """The course for ``record``. ``mine`` is the incident's own merge request, ``same_trouble`` those of its
    fingerprint, ``same_project`` those of the repository, newest first; ``alert`` is how the incident's alert stands."""
    if record.role == "recovery":
        there = mine is not None and mine.state == "opened" and not limits.observe
        return Course("recovered" if there and alert.over else "quiet")
    if mine is not None and record.role == "repeat":
        return _again(mine, limits, now, alert)
    if mine is not None and mine.state != "opened":
        return Course("decline", "already_merged" if mine.state == "merged" else "remembered")
    if record.status != "solution_proposed" or recommended(record) is None:
        return Course("decline") if record.role == "first" else Course("quiet")
    if mine is not None or limits.observe:
        return Course("decline", "observe") if limits.observe else Course("open")
    limited = _limited(same_trouble, same_project, limits, now)
    told = limited.kind == "decline" and record.role == "repeat"
    return Course("quiet") if told else limited


def _again(mine: Known, limits: Limits, now: datetime, alert: AlertStanding) -> Course:
    if alert.over:
        return Course("quiet")  # an older alert that comes late
    if alert.marked == "recovered" and mine.state == "opened" and not limits.observe:
        return Course("returned")
    last = max(mine.noted_at or mine.opened_at, mine.opened_at)
    due = mine.state == "opened" and now - last >= limits.note_every and not limits.observe
    due = due and not snoozed(mine, now)
    return Course("note") if due else Course("quiet")


def snoozed(known: Known, now: datetime) -> bool:
    """Do people not want to hear of it now?"""
    return known.snoozed_until is not None and now < known.snoozed_until


def _limited(
    same_trouble: Sequence[Known],
    same_project: Sequence[Known],
    limits: Limits,
    now: datetime,
) -> Course:
    if any(snoozed(known, now) for known in same_trouble):
        return Course("quiet")
    for known in same_trouble:
        recent = known.closed_at is not None and now - known.closed_at < limits.remember_closed
        if known.state == "closed" and recent:
            return Course("decline", "remembered", known)
    why = capped(same_project, limits.open_per_project, limits.opened_per_hour, now)
    if why:
        return Course("decline", why)
    ended = [known for known in same_project if known.state != "opened"][: limits.breaker]
    if len(ended) == limits.breaker and all(known.state == "closed" for known in ended):
        latest = max((k.closed_at for k in ended if k.closed_at is not None), default=None)
        if latest is not None and now - latest < limits.remember_closed:
            return Course("decline", "circuit")
    return Course("open")


def capped(
    same_project: Sequence[Known], open_at_most: int, per_hour: int, now: datetime
) -> Literal["", "capped", "hourly"]:
    """Which cap of a repository is reached: merge requests that are open, or that were opened within the last hour."""
    if sum(known.state == "opened" for known in same_project) >= open_at_most:
        return "capped"
    since = now - timedelta(hours=1)
    return "hourly" if sum(k.opened_at > since for k in same_project) >= per_hour else ""


def publishable(record: ValidatedPlans) -> list[ValidatedPlan]:
    """The accepted plans with an edit, the recommended one first."""
    plans = [p for p in record.plans if p.accepted and p.edits]
    return sorted(plans, key=lambda p: p.plan.plan_id != record.recommended)


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


def check_proof(chosen: ValidatedPlan) -> str:
    """The project of the edits. Raises errors.Defect when the text is not the one that was proven, or of two projects."""
    projects = {edit.project for edit in chosen.edits}
    if len(projects) != 1:
        raise errors.Defect(f"edits of {len(projects)} projects in one plan")
    for edit in chosen.edits:
        if sha256(edit.after.encode()) != edit.after_sha256:
            raise errors.Defect(
                f"{edit.path} is not the text that was proven", reason="unproven_text"
            )
    return projects.pop()


def may_merge_itself(
    record: ValidatedPlans, chosen: ValidatedPlan, protected: Collection[str] = ()
) -> bool:
    """Only where policy said so of this very plan, and only in a lower environment that is proven and not ``protected``.

    Where no alert named the cluster, people merge: it may be somebody else's.
    """
    asked = record.auto_merge and chosen.plan.plan_id == record.recommended
    named = record.context.claim.verdict == "ours"
    return asked and named and environments.may_merge(chosen.proof, protected)


def as_deployed(chosen: ValidatedPlan, reaches: Iterable[Reach]) -> ValidatedPlan:
    """The plan with its proof made again from where its files deploy to now."""
    others = (s for s in chosen.proof.statements if s.source != "repository")
    proof = environments.judge((*others, *environments.of_reaches(reaches)))
    return chosen.model_copy(update={"proof": proof})


def has_passed(head: Head, sha: str, target: str) -> bool:
    """Is the head our one commit ``sha``, still meant for ``target``, and did a pipeline of that very commit succeed?

    A skipped one did not.
    """
    ours = head.state == "opened" and bool(sha) and head.sha == sha and head.commits == 1
    ours = ours and head.target == target
    return ours and head.pipeline_sha == sha and head.pipeline_status == "success"


def sha256(content: bytes) -> str:
    """Hash of a file's bytes, hex."""
    return hashlib.sha256(content).hexdigest()
