"""What a repository's owners let be proposed: their ``.kfix.yaml`` at the commit that the change goes onto."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from kfix.incident.forge.port import Forge
from publish.core import decision
from publish.core import repo_policy as consent
from publish.core.decision import Proven
from publish.core.objections import refusal
from publish.core.repo_policy import Consent
from publish.ports import PublishPorts
from schemas import errors
from schemas.text import sentence_of


@dataclass(frozen=True, slots=True)
class Allowed:
    """A plan that the owners let be proposed. ``withheld`` says of other plans why not, by plan id."""

    plan: Proven
    consent: Consent
    withheld: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Denied:
    """Nothing of the record may be proposed. ``why`` is a key of ``core.wording``, ``reason`` one sentence."""

    why: Literal["consent", "capped", "hourly"]
    reason: str = ""


async def allowed(
    incident_id: str, plans: Sequence[Proven], ports: PublishPorts, forge: Forge
) -> Allowed | Denied:
    """The first of the plans that may be proposed, as things stand at the head of its target branch."""
    told: dict[str, Consent | str] = {}
    withheld: dict[str, str] = {}
    mine = await ports.ledger.of_incident(incident_id)
    for sure in plans:
        if sure.project not in told:
            told[sure.project] = await _consent(sure.project, sure.target, forge)
        said, plan = told[sure.project], sure.plan.plan
        refused = (
            said if isinstance(said, str) else refusal(said, plan.kubernetes_changes, sure.edits)
        )
        if isinstance(said, str) or refused:
            withheld[plan.plan_id] = refused
            continue
        known, limits = await ports.ledger.of_project(sure.project), ports.limits
        caps = said.merge_requests.within(limits.open_per_project, limits.opened_per_hour)
        # An incident that has its merge request already opens no other one.
        why = "" if mine is not None else decision.capped(known, *caps, ports.now())
        return Denied(why) if why else Allowed(sure, said, withheld)
    return Denied("consent", next(iter(withheld.values()), ""))


async def _consent(project: str, target: str, forge: Forge) -> Consent | str:
    """The owners' word; a sentence when it cannot be read, and then nothing is proposed."""
    head = await forge.head(project, target)
    if head is None:
        raise errors.NotFound(f"{project} has no branch {target}")
    try:
        return consent.read(await forge.file(project, consent.FILE, head))
    except consent.InvalidRepositoryPolicy as broken:
        return sentence_of(broken)
