"""Which objects a plan changes, and what it means that another merge request has one of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.merge_requests import MergeRequestRef
from schemas.plans import ActionPlan


@dataclass(frozen=True, slots=True)
class Claim:
    """An incident's hold on an object. ``ref`` is its merge request, ``None`` while it is being opened."""

    target: str
    incident_id: str
    changes_hash: str
    ref: MergeRequestRef | None = None


def targets(plan: ActionPlan, cluster: str) -> tuple[str, ...]:
    """The plan's objects as ``cluster Kind/namespace/name``, sorted: claims are always taken in one order."""
    return tuple(sorted({f"{cluster} {change.object.key}" for change in plan.kubernetes_changes}))


def rivalry(claim: Claim, plan: ActionPlan) -> Literal["same_change", "competing"]:
    """What a claim in the way means: the very change is proposed already, or another one to the same object."""
    return "same_change" if claim.changes_hash == plan.changes_hash else "competing"
