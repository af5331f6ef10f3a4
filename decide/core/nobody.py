"""Alerts without a subject, and alerts that are not acted on: nothing is proposed, people are told why. Pure."""

from __future__ import annotations

from dataclasses import replace

from decide.core.deciding import diagnose
from decide.core.experience.trials import NOTHING, Experience
from decide.core.opinion import Verdict, is_elsewhere
from decide.core.playbooks import NONE, Playbooks
from decide.core.strangers import not_ours
from kfix.texts import in_language, language_of, say
from schemas.context import ContextBundle
from schemas.plans import Evidence
from schemas.subjects import UNKNOWN, Candidate, SubjectSearch
from schemas.text import Text, again

#: Candidates, and signs of one, in one sentence.
_CANDIDATES, _SIGNS = 6, 2


def answer(
    bundle: ContextBundle,
    *,
    language: str = "en",
    playbooks: Playbooks = NONE,
    experience: Experience = NOTHING,
) -> Verdict:
    """The rules' whole answer to an alert: that there is nothing to decide, or what they diagnose."""
    strange = not_ours(bundle, language=language) or not_acted_on(bundle, language=language)
    return strange or _about(bundle, language, playbooks, experience)


def not_acted_on(bundle: ContextBundle, *, language: str) -> Verdict | None:
    """The answer to a tried notification and to what people silenced; ``None`` for all others."""
    withheld = bundle.withheld
    if not withheld.kind:
        return None
    said = say(f"decide.withheld.{withheld.kind}", why=again(withheld.reason, withheld.reason_text))
    return Verdict("no_action", withheld.kind, in_language(said, language_of(language)), None, ())


def _about(
    bundle: ContextBundle, language: str, playbooks: Playbooks, experience: Experience
) -> Verdict:
    search = bundle.search
    if search.ending not in UNKNOWN:
        found = diagnose(bundle, language=language, playbooks=playbooks, experience=experience)
        return _with_candidates(_beside(found, bundle, language), search, language)
    said = say(f"decide.nobody.{search.ending}", by=search.by, candidates=_named(search))
    if search.reason:
        reason = again(search.reason, search.reason_text)
        said = say("decide.stranger.with_reason", text=said, reason=reason)
    nobody = Verdict(
        "needs_human", "no_subject", in_language(said, language_of(language)), None, ()
    )
    if not bundle.k8s_context.namespace:
        return nobody
    there = diagnose(bundle, language=language, playbooks=playbooks)
    if there.status == "no_action":
        return nobody
    besides = say("decide.nobody.besides", text=said, trouble=there.explanation)
    explanation = in_language(besides, language_of(language))
    return replace(nobody, explanation=explanation, broken=there.broken)


def _beside(found: Verdict, bundle: ContextBundle, language: str) -> Verdict:
    """The answer, which says so where all that was found is another trouble than the alert's."""
    subject, by = bundle.k8s_context.subject, bundle.search.by
    about = subject.key if subject is not None else by
    if not about or not bundle.search.by or not is_elsewhere(found):
        return found
    said = say("decide.nobody.elsewhere", about=about, trouble=found.explanation)
    return replace(found, explanation=in_language(said, language_of(language)))


def _with_candidates(found: Verdict, search: SubjectSearch, language: str) -> Verdict:
    """The answer, whose evidence says what else the alert's name may have meant."""
    analysis = found.analysis
    if analysis is None or not search.candidates:
        return found
    said = say("decide.nobody.chosen", by=search.by, candidates=_named(search))
    fact = Evidence(
        id=f"e{len(analysis.evidence) + 1}",
        source="alert",
        statement=in_language(said, language_of(language)),
    )
    evidence = (*analysis.evidence, fact)
    return replace(found, analysis=analysis.model_copy(update={"evidence": evidence}))


def _named(search: SubjectSearch) -> list[str]:
    """The candidates with their signs, as people read them."""
    found = []
    for one in search.candidates[:_CANDIDATES]:
        signs = [again(*pair) for pair in _pairs(one)][:_SIGNS]
        key = one.object.key
        found.append(say("decide.nobody.candidate", object=key, signs=signs) if signs else key)
    more = len(search.candidates) - _CANDIDATES
    return [*found, say("decide.nobody.more", count=more)] if more > 0 else found


def _pairs(one: Candidate) -> list[tuple[str, Text | None]]:
    texts = one.signs_text if len(one.signs_text) == len(one.signs) else [None] * len(one.signs)
    return list(zip(one.signs, texts, strict=True))
