"""A bundle comes in, a decision goes out; an outcome closes its incident, or waits for the next attempt at it."""

from __future__ import annotations

from dataclasses import replace

from decide import core
from decide.adapters.counting import counted
from decide.adapters.defects import report
from decide.adapters.worlds import noting
from decide.core import opinion
from decide.core.experience.trials import ended_trial
from decide.core.opinion import Verdict
from decide.core.view import ClusterView
from decide.ports import DecidePorts, Membership
from decide.service.experience import ExperiencedAnswer, admitted, answered
from decide.wiring import open_past, open_ports
from kfix.engine import topics
from kfix.engine.runtime.stage import Stage
from kfix.engine.runtime.worlds import Notebook
from schemas.context import ContextBundle, FailedAttempt
from schemas.identity import stable_id
from schemas.outcomes import Outcome
from schemas.plans import CandidatePlans, SecondOpinion

app: Stage[DecidePorts] = Stage("decide", ports=open_ports, past=open_past)


@app.handles(topics.CONTEXT_BUNDLE, writes=(topics.PLANS_CANDIDATE,))
async def decide(bundle: ContextBundle, ports: DecidePorts) -> CandidatePlans | None:
    """Diagnoses the incident and proposes plans for it; a recovery is told to its incident."""
    book = Notebook(ports.basis)
    decided = await _decided(bundle, noting(ports, book))
    return decided and decided.model_copy(update={"world": book.world()})


async def _decided(bundle: ContextBundle, ports: DecidePorts) -> CandidatePlans | None:
    if bundle.failed_attempt is not None:
        return await _tried_again(bundle, bundle.failed_attempt, ports)
    if bundle.withheld.kind:
        return _recorded(bundle, ports)
    if bundle.alert.state == "resolved":
        return await _recover(bundle, ports)
    answer = await answered(bundle, ports)
    bundle = answer.bundle
    verdict, said = await _second_opinion(bundle, answer, ports)
    fingerprint = core.fingerprint_of(bundle, verdict)
    membership = await ports.ledger.join(
        fingerprint=fingerprint,
        cycle=bundle.cycle,
        delivery_id=bundle.trace_id or bundle.event_id,
        at=bundle.alerted_at,
        trouble=core.trouble_fingerprint(bundle),
    )
    if membership.role == "after_recovery":
        verdict = core.already_recovered(verdict, language=ports.language)
    verdict = core.another(
        verdict, membership.incident_id, membership.failed, language=ports.language
    )
    verdict = await admitted(bundle, verdict, answer, membership.incident_id, ports)
    return counted(await _kept(bundle, verdict, membership, said, ports), ports.fleet)


async def _tried_again(
    bundle: ContextBundle, failed: FailedAttempt, ports: DecidePorts
) -> CandidatePlans:
    """The decision of the attempt after the one that failed, by the evidence of now."""
    membership = await ports.ledger.retry(
        failed, cycle=bundle.cycle, delivery_id=bundle.event_id, at=bundle.occurred_at
    )
    seen, said = core.as_of_now(bundle), SecondOpinion()
    if core.alert_is_gone(bundle):
        verdict = core.without_alert(failed, language=ports.language)
    else:
        answer = await answered(seen, ports)
        seen = answer.bundle
        verdict, said = await _second_opinion(seen, answer, ports)
        verdict = core.another(
            verdict, membership.incident_id, membership.failed, language=ports.language
        )
        verdict = await admitted(seen, verdict, answer, membership.incident_id, ports)
    decision = await _kept(seen, verdict, membership, said, ports)
    return counted(core.as_alerted(decision, bundle), ports.fleet)


async def _kept(
    bundle: ContextBundle,
    verdict: Verdict,
    membership: Membership,
    said: SecondOpinion,
    ports: DecidePorts,
) -> CandidatePlans:
    """The record of a verdict; that a plan is put forward is kept first."""
    report(verdict.broken, incident=membership.incident_id)
    if verdict.status == "solution_proposed":
        await ports.ledger.propose(membership.incident_id)
    return core.candidate(
        bundle,
        verdict,
        incident_id=membership.incident_id,
        fingerprint=membership.fingerprint,
        role="first" if membership.role == "first" else "repeat",
        said=said,
        failed=membership.failed,
        language=ports.language,
    )


@app.handles(topics.OUTCOMES)
async def close(outcome: Outcome, ports: DecidePorts) -> None:
    """Ends the incident; one whose fix did not hold waits for its next attempt. Feedback on an ended one counts for its fix alone."""
    trial = ended_trial(outcome)
    if trial is not None:
        await ports.trials.ended(trial)
    if outcome.did_not_hold:
        return
    await ports.ledger.close(outcome.incident_id, at=outcome.occurred_at)


def _recorded(bundle: ContextBundle, ports: DecidePorts) -> CandidatePlans:
    """An alert that is not acted on is an incident of its own: the next one of its monitor repeats nothing."""
    return core.candidate(
        bundle,
        core.answer(bundle, language=ports.language),
        incident_id=stable_id("inc", bundle.withheld.kind, bundle.event_id),
        fingerprint=stable_id("fp", bundle.withheld.kind, bundle.event_id),
        role="first",
        said=SecondOpinion(),
        language=ports.language,
    )


async def _recover(bundle: ContextBundle, ports: DecidePorts) -> CandidatePlans | None:
    ended = await ports.ledger.recover(cycle=bundle.cycle, at=bundle.alerted_at)
    if ended is None:
        return None
    verdict = core.recovered(bundle, language=ports.language)
    # Recoveries of several alerts may come in any order: the incident is over since the last of them.
    decision = core.candidate(
        bundle.model_copy(update={"alerted_at": ended.at}),
        verdict,
        incident_id=ended.incident_id,
        fingerprint=ended.fingerprint,
        role="recovery",
        said=SecondOpinion(),
    )
    return counted(decision, ports.fleet)


async def _second_opinion(
    bundle: ContextBundle, answer: ExperiencedAnswer, ports: DecidePorts
) -> tuple[Verdict, SecondOpinion]:
    settings, verdict = ports.settings, answer.verdict
    if ports.reasoner is None or verdict.analysis is None:
        return verdict, SecondOpinion()
    if not opinion.wants_opinion(
        verdict, settings.ask, settings.unsure_below, bundle.failed_patterns
    ):
        return verdict, SecondOpinion()
    asked = core.question_about(
        bundle,
        verdict,
        ports.prompt,
        language=ports.language,
        playbooks=ports.playbooks,
        experience=answer.experience,
    )
    verdict = replace(verdict, broken=(*verdict.broken, *asked.broken))
    said = await ports.reasoner.consider(asked)
    return opinion.settle(
        verdict,
        asked,
        said,
        certain_from=settings.certain_from,
        view=ClusterView(bundle),
        language=ports.language,
    )
