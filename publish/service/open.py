"""From an accepted plan to one open merge request, from whatever point an earlier try got to.

The branch name is a function of the incident, so every step can be found again: an open merge request is reused, a
branch with our text gets its merge request, and only without either is a commit made (``service.branch``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from kfix.incident.forge.port import Forge, Found
from publish.core import decision, description
from publish.core.auto_merge import may_merge_itself
from publish.core.claims import rivalry, targets
from publish.core.decision import Proven
from publish.ports import PublishPorts
from publish.service import claiming, repository_policy
from publish.service.branch import commit_on, is_as_made, is_on, own_branch, touches_just
from publish.service.drafting import draft_of
from publish.service.repository_policy import Allowed, Denied
from schemas.identity import branch_of
from schemas.merge_requests import MergeRequestRef
from schemas.validated import ValidatedPlan, ValidatedPlans


@dataclass(frozen=True, slots=True)
class Opened:
    """There is an open merge request with that plan. ``reapplied``: on a newer base than the proof's."""

    ref: MergeRequestRef
    plan: Proven
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


async def open_merge_request(
    record: ValidatedPlans, plans: Sequence[Proven], ports: PublishPorts, forge: Forge
) -> Opened | Declined:
    """Makes sure that the incident has its merge request. Safe to run again after a crash at any point.

    ``plans`` are those that may be published, the best one first: what the owners do not allow is passed over.
    Raises errors.Moved when a lock is lost in between, and what the forge raises.
    """
    branch = branch_of(record.incident_id)
    found = await _found(record.incident_id, plans, ports, forge)
    if found is not None:
        return await _as_found(found, record.incident_id, plans, ports, forge)
    allowed = await repository_policy.allowed(record.incident_id, plans, ports, forge)
    if isinstance(allowed, Denied):
        return Declined(allowed.why, reason=allowed.reason)
    sure, chosen = allowed.plan, allowed.plan.plan
    objects = targets(chosen, record.context.cluster)
    taken = await claiming.take(record.incident_id, objects, chosen.plan.changes_hash, ports, forge)
    if taken is not None:
        return Declined(rivalry(taken, chosen.plan), taken.ref, reason=taken.incident_id)
    message = description.commit_message(record, chosen, forge.dialect, ports.language)
    there = await own_branch(sure, branch, message, ports, forge)
    if there is None:
        await ports.ledger.release(record.incident_id)
        return Declined("moved")
    if not there.as_made:
        allowed = replace(allowed, plan=replace(sure, alone=False))
    draft = await draft_of(
        record, allowed, ports, forge, commit=there.head, reapplied=there.reapplied
    )
    ref = await forge.open(draft)
    # What the forge says of a fresh merge request's commit comes late; ours is known.
    sha = (there.head or ref.sha) if there.as_made else ""
    return Opened(ref.model_copy(update={"sha": sha}), allowed.plan, there.reapplied)


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
    alone = may_merge_itself(record, wanted, ports.protected)
    sure, branch = decision.proven(wanted, alone=alone), ref.branch
    project = sure.project
    found, head = await forge.find(project, branch), await forge.head(project, branch)
    if found is None or found.state != "opened" or head is None:
        return Declined("not_open")
    said = await repository_policy.allowed(record.incident_id, [sure], ports, forge)
    if isinstance(said, Denied):
        return Declined(said.why, reason=said.reason)
    there = await is_on(sure, branch, forge) and await touches_just(sure, head, forge)
    if not there:
        if head != ref.sha:
            return Declined("touched")
        commit = await commit_on(sure, ports, forge)
        if commit is None:
            return Declined("moved")
        objects = targets(wanted, record.context.cluster)
        taken = await claiming.take(
            record.incident_id, objects, wanted.plan.changes_hash, ports, forge
        )
        if taken is not None:
            return Declined("competing", reason=claiming.named(taken))
        message = description.commit_message(record, wanted, forge.dialect, ports.language)
        head = await forge.replace(project, branch, sure.target, message, commit.actions)
    draft = await draft_of(record, Allowed(sure, said.consent), ports, forge, commit=head)
    labels, instead_of = description.other_labels(record, wanted, forge.dialect)
    await forge.rewrite(ref, draft.title, draft.description, labels=labels, instead_of=instead_of)
    return Switched(ref.model_copy(update={"sha": head, "title": draft.title}))


async def _found(
    incident_id: str, plans: Sequence[Proven], ports: PublishPorts, forge: Forge
) -> Found | None:
    """The incident's merge request in whichever repository it is: which plan was taken may be another one by now."""
    known, branch = await ports.ledger.ref_of(incident_id), branch_of(incident_id)
    projects = [known.project] if known is not None else []
    asked = dict.fromkeys((*projects, *(sure.project for sure in plans)))
    there = [found for p in asked if (found := await forge.find(p, branch)) is not None]
    return min(there, key=lambda found: found.state != "opened", default=None)


async def _as_found(
    found: Found, incident_id: str, plans: Sequence[Proven], ports: PublishPorts, forge: Forge
) -> Opened | Declined:
    """The merge request that is there, with the plan that its branch has. Its commit is the one that K-Fix made, or empty."""
    if found.state != "opened":
        return Declined("already_merged" if found.state == "merged" else "remembered", found.ref)
    ref, branch = found.ref, branch_of(incident_id)
    known = await ports.ledger.ref_of(incident_id)
    head = await forge.head(ref.project, branch) or ""
    here = [plan for plan in plans if plan.project == ref.project]
    for plan in here:
        if await is_as_made(plan, head, ports, forge):
            return Opened(ref.model_copy(update={"sha": known.sha if known else head}), plan)
    # People changed it, or none of these plans was the one: whatever is there waits for people.
    carried = [plan for plan in here if await is_on(plan, branch, forge)]
    likely = replace((carried or plans)[0], alone=False)
    return Opened(ref.model_copy(update={"sha": known.sha if known else ""}), likely)
