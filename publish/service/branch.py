"""The incident's branch with a plan's one commit on it: made, or found again from whatever point an earlier try got to.

A branch is ours as long as each changed file carries what the proof changed there; nothing else is published.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from kfix.incident.forge.port import FileAction, Forge
from manifests import EditRefused, propose
from publish.core import decision, rebase
from publish.core.decision import Proven
from publish.ports import PublishPorts
from schemas import errors
from schemas.validated import FileEdit


@dataclass(frozen=True, slots=True)
class NewCommit:
    """What is to be committed. ``reapplied``: on a newer base than the proof's, with other text."""

    actions: tuple[FileAction, ...]
    reapplied: bool


@dataclass(frozen=True, slots=True)
class OwnBranch:
    """The branch's head, which has our commit; empty where the forge does not know it yet.

    ``as_made``: it is our one commit and nothing else.
    """

    head: str
    reapplied: bool
    as_made: bool = True


async def own_branch(
    chosen: Proven, branch: str, message: str, ports: PublishPorts, forge: Forge
) -> OwnBranch | None:
    """Makes sure of the branch; ``None`` when the proof does not hold any more.

    Raises errors.Rejected when the branch holds something else, errors.Moved when a lock is lost in between.
    """
    project, reapplied = chosen.project, False
    if await forge.head(project, branch) is None:
        commit = await commit_on(chosen, ports, forge)
        if commit is None:
            return None
        made = await forge.commit(project, branch, chosen.target, message, commit.actions)
        if made is not None:
            return OwnBranch(made, commit.reapplied)
        reapplied = commit.reapplied
    if not await is_on(chosen, branch, forge):
        raise errors.Rejected(f"{branch} of {project} holds something else", reason="branch_taken")
    head = await forge.head(project, branch) or ""
    return OwnBranch(head, reapplied, await is_as_made(chosen, head, ports, forge))


async def commit_on(chosen: Proven, ports: PublishPorts, forge: Forge) -> NewCommit | None:
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
    return NewCommit(actions, reapplied)


async def is_on(chosen: Proven, branch: str, forge: Forge) -> bool:
    """Has the branch all that the plan was proven to change?"""
    for edit in chosen.edits:
        there = await forge.file(edit.project, edit.path, branch)
        if there is None or not await _carries(edit, there.decode(errors="replace"), forge):
            return False
    return True


async def touches_just(chosen: Proven, commit: str, forge: Forge) -> bool:
    """Does the commit change the plan's files and no other one?"""
    paths = {edit.path for edit in chosen.edits}
    return await forge.changed_paths(chosen.project, commit) == paths


async def is_as_made(chosen: Proven, commit: str, ports: PublishPorts, forge: Forge) -> bool:
    """Is the commit what is committed for the plan on the target's present head: these files, this text, nothing else?

    Of a commit that anybody may have put in the place of ours, the text is the only proof.
    """
    if not commit or not await touches_just(chosen, commit, forge):
        return False
    wanted = await commit_on(chosen, ports, forge)
    if wanted is None:
        return False
    for one in wanted.actions:
        if await forge.file(chosen.project, one.path, commit) != one.content.encode():
            return False
    return True


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


def _untouched(edit: FileEdit, content: bytes | None) -> bool:
    if content is None or not edit.before_sha256:
        return content is None and not edit.before_sha256
    return decision.sha256(content) == edit.before_sha256


async def _carries(edit: FileEdit, text: str, forge: Forge) -> bool:
    """Is what the proof changed in ``text`` as the proof left it? A new file has to be the very text."""
    if text == edit.after:
        return True
    if not edit.before_sha256 or not edit.base_commit:
        return False
    before = await forge.file(edit.project, edit.path, edit.base_commit)
    return before is not None and rebase.carries(before.decode(), edit.after, text)
