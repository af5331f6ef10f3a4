"""The next attempt at an incident whose merged fix did not hold: nothing that failed is proposed again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from decide.core.opinion import Verdict
from decide.core.planning import led
from kfix.texts import in_language, language_of, say
from schemas.context import ContextBundle, FailedAttempt
from schemas.identity import attempt_of
from schemas.plans import ActionPlan, CandidatePlans
from schemas.text import again

#: Merged fixes of one incident at most: then people look.
MOST_ATTEMPTS = 3
#: The source that is missing where the alert is not kept any more.
_ALERT = "alert"


def as_of_now(bundle: ContextBundle) -> ContextBundle:
    """The bundle whose clock is when its evidence was gathered, which is long after the alert; the alert keeps its own time."""
    alert = bundle.alert.model_copy(update={"happened_at": bundle.alerted_at})
    return bundle.model_copy(update={"alerted_at": bundle.occurred_at, "alert": alert})


def as_alerted(decided: CandidatePlans, bundle: ContextBundle) -> CandidatePlans:
    """The decision, whose alert came when it came."""
    context = decided.context.model_copy(update={"alerted_at": bundle.alerted_at})
    return decided.model_copy(update={"context": context})


def alert_is_gone(bundle: ContextBundle) -> bool:
    """The alert is not kept any more: there is no evidence to decide by."""
    return any(s.name == _ALERT and s.state == "missing" for s in bundle.sources)


def without_alert(failed: FailedAttempt, *, language: str) -> Verdict:
    """The answer where nothing can be looked at."""
    said = say("decide.attempts.alert_gone", fix=_fix(failed))
    return Verdict(
        "needs_human", "not_enough_evidence", in_language(said, language_of(language)), None, ()
    )


def another(
    verdict: Verdict, incident_id: str, failed: Sequence[FailedAttempt], *, language: str
) -> Verdict:
    """The answer of an incident of which fixes ``failed``: other plans, else a person, and after three a person anyway."""
    if not failed or verdict.status != "solution_proposed":
        return verdict
    if attempt_of(incident_id).number > MOST_ATTEMPTS:
        fixes = [_fix(one) for one in failed]
        said = say("decide.attempts.enough", most=MOST_ATTEMPTS, fixes=fixes)
        return _handed(verdict, said, language)
    tried = [next((f for f in failed if is_same(plan, f)), None) for plan in verdict.plans]
    if not any(tried):
        return verdict
    left = led([plan for plan, was in zip(verdict.plans, tried, strict=True) if was is None])
    if not left:
        met = dict.fromkeys(_fix(was) for was in tried if was is not None)
        return _handed(verdict, say("decide.attempts.tried", fixes=list(met)), language)
    placed = (plan.model_copy(update={"priority": at}) for at, plan in enumerate(left, 1))
    return replace(verdict, plans=tuple(placed))


def is_same(plan: ActionPlan, failed: FailedAttempt) -> bool:
    """Is it the change that failed, a part of it or all of it and more, or the change that takes it back?

    The change back has a merge request of its own.
    """
    if plan.changes_hash in (failed.changes_hash, failed.revert_hash):
        return True
    sets = {
        (change.object.key, field.path, repr(field.after))
        for change in plan.kubernetes_changes
        for field in change.fields
    }
    had = {(one.object_key, one.path, repr(one.after)) for one in failed.changes}
    same_kind = plan.fix_kind == failed.fix_kind
    return bool(sets and had) and same_kind and (sets <= had or had <= sets)


def _handed(verdict: Verdict, said: str, language: str) -> Verdict:
    whole = say("decide.explained", cause=verdict.explanation, answer=said)
    explanation = in_language(whole if verdict.explanation else said, language_of(language))
    return replace(
        verdict, status="needs_human", reason="no_safe_plan", explanation=explanation, plans=()
    )


def _fix(failed: FailedAttempt) -> str:
    title = again(failed.title, failed.title_text) or failed.fix_kind
    if not failed.iid:
        return title
    return say("decide.attempts.fix", iid=failed.iid, title=title)
