"""What a repository's owners let be proposed: their ``.kfix.yaml`` at the commit that the change goes onto."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from kfix.incident.forge.port import Forge
from publish.core import course
from publish.core import repo_policy as consent
from publish.core.course import Proven
from publish.core.repo_policy import Consent
from publish.ports import Ports
from schemas import errors
from schemas.text import sentence_of
from schemas.validated import ValidatedPlan


@dataclass(frozen=True, slots=True)
class Allowed:
    """A plan that the owners let be proposed. ``withheld`` says of other plans why not, by plan id."""

    plan: Proven
    consent: Consent
    withheld: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Withheld:
    """Nothing of the record may be proposed. ``why`` is a key of ``core.wording``, ``reason`` one sentence."""

    why: Literal["consent", "capped", "hourly"]
    reason: str = ""


async def allowed(
    incident_id: str, plans: Sequence[ValidatedPlan], ports: Ports, forge: Forge
) -> Allowed | Withheld:
    """The first of the plans that may be proposed, as things stand at the head of its target branch.

    Raises errors.Defect for one whose text is not the proven one.
    """
    told: dict[str, Consent | str] = {}
    withheld: dict[str, str] = {}
    for plan in plans:
        sure = course.proven(plan)
        if sure.project not in told:
            told[sure.project] = await _consent(sure.project, sure.target, forge)
        said = told[sure.project]
        if isinstance(said, str):
            withheld[plan.plan.plan_id] = said
            continue
        refused = consent.refusal(said, plan.plan.kubernetes_changes, plan.edits)
        if refused:
            withheld[plan.plan.plan_id] = refused
            continue
        caps = said.merge_requests
        why = await _capped(incident_id, sure.project, caps, ports)
        return Withheld(why) if why else Allowed(sure, said, withheld)
    return Withheld("consent", next(iter(withheld.values()), ""))


async def _consent(project: str, target: str, forge: Forge) -> Consent | str:
    """The owners' word; a sentence when it cannot be read, and then nothing is proposed."""
    head = await forge.head(project, target)
    if head is None:
        raise errors.NotFound(f"{project} has no branch {target}")
    try:
        return consent.read(await forge.file(project, consent.FILE, head))
    except consent.Broken as broken:
        return sentence_of(broken)


async def _capped(
    incident_id: str, project: str, caps: consent.Caps, ports: Ports
) -> Literal["", "capped", "hourly"]:
    """Which cap of the owners is reached; none for an incident that has its merge request already."""
    if await ports.ledger.of_incident(incident_id) is not None:
        return ""
    limits, known = ports.limits, await ports.ledger.of_project(project)
    open_at_most = limits.open_per_project if caps.open is None else caps.open
    per_hour = limits.opened_per_hour if caps.per_hour is None else caps.per_hour
    return course.capped(known, open_at_most, per_hour, ports.now())


async def reviewers(
    plan: Proven, namespace: str, said: Consent, ports: Ports, forge: Forge
) -> tuple[str, ...]:
    """Who is asked: whom the owners name, whom the settings name, and who owns the changed files."""
    settings = ports.settings
    named = settings.reviewers.get(namespace) or settings.reviewers.get("*", ())
    owners: tuple[str, ...] = ()
    if settings.codeowners:
        paths = [edit.path for edit in plan.edits]
        owners = await forge.owners(plan.project, plan.target, paths)
    return tuple(dict.fromkeys((*(said.reviewers or ()), *named, *owners)))
