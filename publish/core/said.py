"""What people and the pipeline are told of what was done about a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kfix.incident.judgement_links import LinkVerdict
from kfix.texts import Language, in_language, told
from publish.core.done import Done
from publish.core.notice import NO_LINKS, Notice, notice_of
from publish.core.obstacles import obstacles_of, paragraphs
from publish.core.wording import check_name, colon, word
from schemas.validated import ValidatedPlans


@dataclass(frozen=True, slots=True)
class PublishedWords:
    """``notice`` is for chats, ``None`` where they are told nothing; ``text`` is for the pipeline."""

    notice: Notice | None
    text: str = ""


def said_of(
    record: ValidatedPlans,
    done: Done,
    *,
    language: Language,
    console_url: str,
    cluster: str = "",
    judge: Mapping[LinkVerdict, str] = NO_LINKS,
) -> PublishedWords:
    """The words for it. As untrusted as the record. ``cluster``: the record's, where there are several.

    ``judge``: the address for each judgement; shown where there is a proposal to judge.
    """
    text = why = done.text
    in_the_way: Sequence[tuple[str, str]] = ()
    if done.action == "declined":
        explained = told(record.explanation, record.explanation_text, language)
        text = why = _reason(record, done, language) or explained
        stopped = None if done.why else obstacles_of(record)
        if stopped is not None:
            # Safety's explanation lists every verdict; the diagnosis's own is a sentence for people.
            why = "" if record.reason == "no_safe_plan" else explained
            in_the_way = paragraphs(stopped, language)
    if done.notice is None:
        return PublishedWords(None, text)
    notice = notice_of(
        record,
        done.plan,
        kind=done.notice,
        language=language,
        mr_url=done.ref.url if done.ref else "",
        console_url=console_url,
        explanation=why,
        obstacles=in_the_way,
        cluster=cluster,
        judge=judge if done.ref is not None else NO_LINKS,
    )
    return PublishedWords(notice, text)


def _reason(record: ValidatedPlans, done: Done, language: Language) -> str:
    """Why there is no merge request: a sentence of ours, and what somebody else said, as untrusted as that."""
    if not done.why:
        return rejections(record, language)
    said = in_language(done.reason, language)
    return (
        f"{word(done.why, language)}{colon(language)} {said}" if said else word(done.why, language)
    )


def rejections(record: ValidatedPlans, language: Language) -> str:
    """Why none of the plans may be published, from their failed checks; empty without plans. As untrusted as those."""
    reasons = [
        f"{told(validated.plan.title, validated.plan.title_text, language)} – "
        f"{check_name(check.name, language)}{colon(language)} "
        f"{told(check.reason, check.reason_text, language)}"
        for validated in record.plans
        for check in validated.checks
        if check.name in validated.rejected_by
    ]
    return (
        "; ".join(reasons) if not any(p.accepted and not p.plan.guess for p in record.plans) else ""
    )
