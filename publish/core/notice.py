"""What people are told, before it takes the form of one chat or the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kfix.incident.inert import command
from kfix.incident.judgement_links import LinkVerdict
from kfix.texts import told, told_all
from publish.core.wording import Language, colon, word
from schemas.validated import ValidatedPlan, ValidatedPlans

#: Where people are given no links to judge by.
NO_LINKS: Mapping[LinkVerdict, str] = {}
NoticeKind = Literal["opened", "declined", "recovered", "returned", "unreadable", "failed"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. Texts are outside text, not yet inert; ``links`` are label and address, addresses ours.

    ``shortened`` is what to say, in our words, where texts had to be cut.
    """

    kind: NoticeKind
    head: str
    facts: tuple[tuple[str, str], ...]
    paragraphs: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    shortened: str = ""
    #: What to look at next: sentences as untrusted as the texts, and commands, which may be empty.
    steps: tuple[tuple[str, str], ...] = ()
    #: Heading of the steps.
    steps_head: str = ""
    #: Between a heading and its text, where a chat wants one.
    colon: str = ":"
    #: Links by which people judge the proposal, under ``judge_head``: label and address, ours.
    judgements: tuple[tuple[str, str], ...] = ()
    judge_head: str = ""


def notice_of(
    record: ValidatedPlans,
    chosen: ValidatedPlan | None,
    *,
    kind: NoticeKind,
    language: Language,
    mr_url: str,
    console_url: str,
    explanation: str = "",
    obstacles: Sequence[tuple[str, str]] = (),
    cluster: str = "",
    judge: Mapping[LinkVerdict, str] = NO_LINKS,
) -> Notice:
    """The message for one record. ``judge``: the address for each judgement of the proposal. ``explanation``, or what stopped the plans with its names, says why there is no merge request."""
    context, analysis, head = record.context, record.analysis, _head(record, kind, language)
    facts = (
        (word("incident", language), context.alert_title or record.incident_id),
        (word("service", language), context.service or (analysis.object.key if analysis else "")),
        (word("environment", language), _environment(context.environment, language)),
        (word("severity", language), word(analysis.severity, language) if analysis else ""),
        *([(word("cluster", language), cluster)] if cluster else []),
    )
    paragraphs = []
    if analysis is not None:
        paragraphs.append(
            (
                f"🔍 {word('diagnosis', language)}",
                told(analysis.root_cause, analysis.root_cause_text, language),
            )
        )
    if chosen is not None and kind == "opened":
        plan = chosen.plan
        title = told(plan.title, plan.title_text, language)
        text = f"{title}. {told(plan.justification, plan.justification_text, language)}"
        paragraphs.append((f"💡 {word('solution', language)}", text))
        if plan.repairs.remains:
            left = told_all(plan.repairs.remains, plan.repairs.remains_text, language)
            paragraphs.append((f"⚠️ {word('remains', language)}", "; ".join(left)))
    if explanation:
        paragraphs.append((f"(i) {word('why', language)}", explanation))
    paragraphs += obstacles
    page = f"{console_url.rstrip('/')}/incidents/{record.incident_id}"
    links: tuple[tuple[str, str], ...] = (
        (f"📊 {word('view_json', language)}", f"{page}.json"),
        (f"🧭 {word('view_incident', language)}", page),
    )
    if mr_url:
        links = ((f"📋 {word('view_mr', language)}", mr_url), *links)
    return Notice(
        kind,
        head,
        facts,
        tuple(paragraphs),
        links,
        shortened=word("shortened", language),
        steps=steps_of(record, language) if kind == "declined" else (),
        steps_head=f"🔎 {steps_head(record, language)}",
        colon=colon(language),
        judgements=tuple((f"{_SIGNS[v]} {_judged(v, language)}", url) for v, url in judge.items()),
        judge_head=word("judge_head", language),
    )


#: What stands before each judgement, as with the other links.
_SIGNS: dict[LinkVerdict, str] = {
    "useful": "👍",
    "wrong_cause": "🧭",
    "wrong_fix": "🔧",
    "snooze": "💤",
}


def _judged(verdict: LinkVerdict, language: Language) -> str:
    names: dict[LinkVerdict, str] = {
        "useful": word("judge_useful", language),
        "wrong_cause": word("judge_wrong_cause", language),
        "wrong_fix": word("judge_wrong_fix", language),
        "snooze": word("judge_snooze", language),
    }
    return names[verdict]


#: Steps that a message shows; decide gives no more.
_STEPS = 5


def steps_of(record: ValidatedPlans, language: Language) -> tuple[tuple[str, str], ...]:
    """What people look at next: sentences, not yet inert, and commands that are."""
    return tuple(
        (told(step.what, step.what_text, language), command(step.command))
        for step in record.next_steps[:_STEPS]
    )


def steps_head(record: ValidatedPlans, language: Language) -> str:
    """Our words above the steps, with the cluster that the commands are for, where it is known. Not yet inert."""
    cluster = record.context.cluster
    if not cluster or record.reason == "another_cluster":
        return word("next_steps", language)
    return word("next_steps_in", language, cluster=cluster)


def _environment(name: str, language: Language) -> str:
    """Its own name, in which people search for it; one that nobody knows has none."""
    return word("unknown", language) if name == "unknown" else name


def _head(record: ValidatedPlans, kind: NoticeKind, language: Language) -> str:
    if kind == "opened":
        return f"🚨 {word('head_opened', language)}"
    if kind == "recovered":
        return f"✅ {word('head_recovered', language)}"
    if kind == "returned":
        return f"🔁 {word('head_returned', language)}"
    if record.reason == "test":
        return f"🧪 {word('head_test', language)}"
    key = "head_human" if record.status == "needs_human" else "head_declined"
    return f"{'🙋' if key == 'head_human' else '💤'} {word(key, language)}"
