"""What a plan changes, objects and lines, and what it means that another merge request has one of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.identity import stable_id
from schemas.merge_requests import MergeRequestRef
from schemas.plans import ActionPlan
from schemas.validated import FileEdit, ValidatedPlan

#: Before the name of a change of lines, which belongs to no cluster.
_LINES = "lines"


@dataclass(frozen=True, slots=True)
class Claim:
    """An incident's hold on an object, or on a change of lines. ``ref`` is its merge request, ``None`` while it is being opened."""

    target: str
    incident_id: str
    changes_hash: str
    ref: MergeRequestRef | None = None


def targets(chosen: ValidatedPlan, cluster: str) -> tuple[str, ...]:
    """The plan's objects as ``cluster Kind/namespace/name`` and its change of lines, sorted: claims are taken in one order.

    Lines that several clusters are deployed from change once, whichever of them asks.
    """
    objects = {f"{cluster} {change.object.key}" for change in chosen.plan.kubernetes_changes}
    return tuple(sorted({*objects, *_lines(chosen.edits)}))


def _lines(edits: Sequence[FileEdit]) -> Iterator[str]:
    """One name for all edits together. Where the lines stand does not count: the file may have grown above them."""
    if not edits:
        return
    changed = [
        (edit.project, edit.ref, edit.path, *_changed(edit.diff.splitlines()))
        for edit in sorted(edits, key=lambda one: (one.project, one.path))
    ]
    yield f"{_LINES} {edits[0].project} {stable_id('edit', *changed)}"


def _changed(diff: Sequence[str]) -> Iterator[str]:
    return (line for line in diff if line[:1] in "+-" and line[:3] not in ("+++", "---"))


def rivalry(claim: Claim, plan: ActionPlan) -> Literal["same_change", "competing"]:
    """What a claim in the way means: the very change is proposed already, or another one to the same object."""
    same = claim.changes_hash == plan.changes_hash or claim.target.startswith(f"{_LINES} ")
    return "same_change" if same else "competing"
