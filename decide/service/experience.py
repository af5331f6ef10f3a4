"""Rules and outcomes together: the answer to a bundle, and which of its plans may be proposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from decide import core
from decide.core.experience.trials import NOTHING, Experience, ExperienceAsked, object_of
from decide.core.opinion import Verdict
from decide.ports import DecidePorts, Proposed
from schemas.context import ContextBundle


@dataclass(frozen=True, slots=True)
class ExperiencedAnswer:
    """The answer with what is known of earlier fixes, and what the rules alone say of each plan, by its changes.

    ``bundle``: the evidence that it rests on, without failures that a person lifted.
    """

    bundle: ContextBundle
    verdict: Verdict
    experience: Experience
    predicted: Mapping[str, float]


async def answered(bundle: ContextBundle, ports: DecidePorts) -> ExperiencedAnswer:
    """The rules' answer, its plans in the order that outcomes give them; the rules' own where nothing is known."""
    alone = core.answer(bundle, language=ports.language, playbooks=ports.playbooks)
    predicted = {plan.changes_hash: plan.confidence for plan in alone.plans}
    asked = _asked(bundle, alone)
    known = NOTHING if asked is None else await ports.trials.experience(asked)
    seen = core.without_lifted(bundle, known.lifted)
    if known.is_empty and seen is bundle:
        return ExperiencedAnswer(bundle, alone, known, predicted)
    verdict = core.answer(
        seen, language=ports.language, playbooks=ports.playbooks, experience=known
    )
    return ExperiencedAnswer(seen, verdict, known, predicted)


async def admitted(
    bundle: ContextBundle,
    verdict: Verdict,
    answer: ExperiencedAnswer,
    incident: str,
    ports: DecidePorts,
) -> Verdict:
    """The final verdict without plans that may not be proposed again; those that remain are on record as proposed."""
    if verdict.status != "solution_proposed" or verdict.analysis is None:
        return verdict
    failure_class = verdict.analysis.failure_class
    proposals = [
        Proposed(
            incident_id=incident,
            plan=plan,
            failure_class=failure_class,
            cluster=bundle.k8s_context.cluster,
            environment=bundle.environment,
            predicted=plan.confidence
            if plan.origin == "model"
            else answer.predicted.get(plan.changes_hash),
        )
        for plan in verdict.plans
    ]
    refused = await ports.trials.admit(proposals, at=bundle.alerted_at)
    return core.without(verdict, refused, language=ports.language)


def _asked(bundle: ContextBundle, verdict: Verdict) -> ExperienceAsked | None:
    """What the ledger is asked about a verdict; ``None`` where no cause is named."""
    analysis = verdict.analysis
    if analysis is None or verdict.status == "no_action":
        return None
    objects = {one.object.key for one in analysis.hypotheses}
    objects |= {object_of(plan) for plan in verdict.plans}
    return ExperienceAsked(
        analysis.failure_class, bundle.k8s_context.cluster, tuple(sorted(objects))
    )
