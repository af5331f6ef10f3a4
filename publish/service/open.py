"""From an accepted plan to one open merge request, from whatever point an earlier try got to.

The branch name is a function of the incident, so every step can be found again: an open merge request is reused, a
branch with our text gets its merge request, and only without either is a commit made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kfix.incident.forge.port import FileAction, Forge, Found
from manifests import EditRefused, propose
from publish.core import decision, description, rebase
from publish.core.claims import rivalry, targets
from publish.core.decision import Proven
from publish.ports import PublishPorts
from publish.service import claiming, repository_policy
from publish.service.drafting import draft_of
from publish.service.repository_policy import Allowed, Denied
from schemas import errors
from schemas.identity import branch_of
from schemas.merge_requests import MergeRequestRef
from schemas.validated import FileEdit, ValidatedPlan, ValidatedPlans


@dataclass(frozen=True, slots=True)
class Opened:
    """There is an open merge request with that plan. ``reapplied``: on a newer base than the proof's."""

    ref: MergeRequestRef
    plan: ValidatedPlan
    reapplied: bool = False


@dataclass(frozen=True, slots=True)
class Declined:
    """There is none, and will be none for this record. ``why`` is a key of ``core.wording``."""

    why: Literal[
        "moved",
        "remembered",
        "already_merged",
        "not_open",
        "touched",
        "consent",
        "capped",
        "hourly",
        "same_change",
        "competing",
    ]
    ref: MergeRequestRef | None = None
    #: One sentence more, where there is one.
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Switched:
    """Another plan is on the branch; ``ref`` has its commit and title."""

    ref: MergeRequestRef


@dataclass(frozen=True, slots=True)
class _Commit:
    actions: tuple[FileAction, ...]
    reapplied: bool


@dataclass(frozen=True, slots=True)
class _Branch:
    head: str
    reapplied: bool


async def open_merge_request(
    record: ValidatedPlans, plans: Sequence[Proven], ports: PublishPorts, forge: Forge
) -> Opened | Declined:
    """Makes sure that the incident has its merge request. Safe to run again after a crash at any point.

    ``plans`` are those that may be published, the best one first: what the owners do not allow is passed over.
    Raises errors.Moved when a lock is lost in between, and what the forge raises.
    """
    branch = branch_of(record.incident_id)
    found = await forge.find(plans[0].project, branch)
    if found is not None:
        return _as_found(found, plans[0].plan)
    allowed = await repository_policy.allowed(record.incident_id, plans, ports, forge)
    if isinstance(allowed, Denied):
        return Declined(allowed.why, reason=allowed.reason)
    sure, chosen = allowed.plan, allowed.plan.plan
    objects = targets(chosen.plan, record.context.cluster)
    taken = await claiming.take(record.incident_id, objects, chosen.plan.changes_hash, ports, forge)
    if taken is not None:
        return Declined(rivalry(taken, chosen.plan), taken.ref, reason=taken.incident_id)
    message = description.commit_message(record, chosen, forge.dialect, ports.language)
    there = await _branch(sure, branch, message, ports, forge)
    if there is None:
        await ports.ledger.release(record.incident_id)
        return Declined("moved")
    draft = await draft_of(
        record, allowed, ports, forge, commit=there.head, reapplied=there.reapplied
    )
    ref = await forge.open(draft)
    # What the forge says of a fresh merge request's commit comes late; ours is known.
    return Opened(ref.model_copy(update={"sha": there.head or ref.sha}), chosen, there.reapplied)


async def _branch(
    chosen: Proven, branch: str, message: str, ports: PublishPorts, forge: Forge
) -> _Branch | None:
    """The incident's branch with our commit on it, made or found again; ``None`` when the proof does not hold any more."""
    project, made, reapplied = chosen.project, None, False
    if await forge.head(project, branch) is None:
        commit = await _commit_on(chosen, ports, forge)
        if commit is None:
            return None
        made = await forge.commit(project, branch, chosen.target, message, commit.actions)
        reapplied = commit.reapplied
    if made is None:
        await _check_branch(chosen, forge, branch)
        made = await forge.head(project, branch)
    return _Branch(made or "", reapplied)


async def put_on_branch(
    record: ValidatedPlans,
    wanted: ValidatedPlan,
    ref: MergeRequestRef,
    ports: PublishPorts,
    forge: Forge,
) -> Switched | Declined:
    """Puts another plan of the record on the incident's branch, in one commit on the target's head, and rewrites the text.

    Safe to run again after a crash at any point. A branch that others changed is left alone. Raises what the forge raises.
    """
    sure, branch = decision.proven(wanted), ref.branch
    project = sure.project
    found, head = await forge.find(project, branch), await forge.head(project, branch)
    if found is None or found.state != "opened" or head is None:
        return Declined("not_open")
    said = await repository_policy.allowed(record.incident_id, [sure], ports, forge)
    if isinstance(said, Denied):
        return Declined(said.why, reason=said.reason)
    if not await _carries_all(sure, forge, branch):
        if head != ref.sha:
            return Declined("touched")
        commit = await _commit_on(sure, ports, forge)
        if commit is None:
            return Declined("moved")
        objects = targets(wanted.plan, record.context.cluster)
        taken = await claiming.take(
            record.incident_id, objects, wanted.plan.changes_hash, ports, forge
        )
        if taken is not None:
            return Declined("competing", reason=claiming.named(taken))
        message = description.commit_message(record, wanted, forge.dialect, ports.language)
        head = await forge.replace(project, branch, sure.target, message, commit.actions)
    draft = await draft_of(record, Allowed(sure, said.consent), ports, forge, commit=head)
    await forge.rewrite(ref, draft.title, draft.description)
    return Switched(ref.model_copy(update={"sha": head, "title": draft.title}))


def _as_found(found: Found, plan: ValidatedPlan) -> Opened | Declined:
    if found.state == "opened":
        return Opened(found.ref, plan)
    return Declined("already_merged" if found.state == "merged" else "remembered", found.ref)


async def _commit_on(chosen: Proven, ports: PublishPorts, forge: Forge) -> _Commit | None:
    """The files to commit on the target's head; ``None`` when the proof does not hold there."""
    project, target = chosen.project, chosen.target
    head = await forge.head(project, target)
    if head is None:
        raise errors.NotFound(f"{project} has no branch {target}")
    edits = chosen.edits
    reapplied = False
    if any(edit.base_commit != head for edit in edits):
        newer = await _on_newer_base(chosen, ports, forge, head)
        if newer is None:
            return None
        edits, reapplied = newer, any(n.after != e.after for n, e in zip(newer, edits, strict=True))
    updated = tuple(edit.path for edit in edits if edit.before_sha256)
    locks = await forge.last_commit_ids(project, head, updated)
    actions = tuple(FileAction(e.path, e.after, locks.get(e.path, "")) for e in edits)
    return _Commit(actions, reapplied)


async def _on_newer_base(
    chosen: Proven, ports: PublishPorts, forge: Forge, head: str
) -> tuple[FileEdit, ...] | None:
    """The same edits on the target's present head: as they are where the files did not change, made again otherwise."""
    project, target = chosen.project, chosen.target
    now = {edit.path: await forge.file(project, edit.path, head) for edit in chosen.edits}
    if all(_untouched(edit, now[edit.path]) for edit in chosen.edits):
        return chosen.edits
    files = await forge.files(project, target, head)
    again = await asyncio.to_thread(
        propose,
        files,
        chosen.plan.plan.kubernetes_changes,
        environment=chosen.plan.proof.place,
        project=project,
        ref=target,
        renderer=ports.renderer,
    )
    if isinstance(again, EditRefused):
        return None
    by_path = {edit.path: edit for edit in again}
    if by_path.keys() != {edit.path for edit in chosen.edits}:
        return None
    for edit in chosen.edits:
        if not await _carries(edit, by_path[edit.path].after, forge):
            return None
    return tuple(by_path[edit.path] for edit in chosen.edits)


async def _carries(edit: FileEdit, text: str, forge: Forge) -> bool:
    """Is what the proof changed in ``text`` as the proof left it? A new file has to be the very text."""
    if text == edit.after:
        return True
    if not edit.before_sha256 or not edit.base_commit:
        return False
    before = await forge.file(edit.project, edit.path, edit.base_commit)
    return before is not None and rebase.carries(before.decode(), edit.after, text)


def _untouched(edit: FileEdit, content: bytes | None) -> bool:
    if content is None or not edit.before_sha256:
        return content is None and not edit.before_sha256
    return decision.sha256(content) == edit.before_sha256


async def _check_branch(chosen: Proven, forge: Forge, branch: str) -> None:
    """A branch of ours has our text; anything else there is not published. Raises errors.Rejected."""
    if not await _carries_all(chosen, forge, branch):
        raise errors.Rejected(
            f"{branch} of {chosen.project} holds something else", reason="branch_taken"
        )


async def _carries_all(chosen: Proven, forge: Forge, branch: str) -> bool:
    """Has the branch all that the plan was proven to change?"""
    for edit in chosen.edits:
        there = await forge.file(edit.project, edit.path, branch)
        if there is None or not await _carries(edit, there.decode(errors="replace"), forge):
            return False
    return True
