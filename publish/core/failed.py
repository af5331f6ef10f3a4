"""What people are told when a merged fix did not hold: the message, and the merge request that takes it back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kfix.incident.forge.dialect import Dialect
from kfix.texts import in_language, told
from publish.core.description import Page, Written, plain
from publish.core.notice import Notice
from publish.core.pages import rendered
from publish.core.view import shown_edits, shown_plan
from publish.core.wording import Language, colon, has, number, when, word
from schemas.identity import attempt_of
from schemas.merge_requests import MergeRequestRef
from schemas.outcomes import Measurement, Outcome
from schemas.validated import ValidatedPlan, ValidatedPlans


@dataclass(frozen=True, slots=True)
class Fate:
    """What came of taking a change back. ``why``: a key of our words; empty where a merge request was opened.

    ``reason`` is one sentence more, as untrusted as the file.
    """

    why: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FailedFix:
    """A merged fix that did not hold: the record that it was proposed by, and the merge request that was merged."""

    outcome: Outcome
    record: ValidatedPlans
    ref: MergeRequestRef


@dataclass(frozen=True, slots=True)
class Reverted:
    """What was done about it. ``back`` is the merge request that takes it back, if any.

    ``quiet_until``: until then people do not want to hear of the trouble, and no next plan is proposed.
    """

    fix: FailedFix
    fate: Fate
    back: MergeRequestRef | None
    quiet_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A signal before and after the merge, as people read it."""

    name: str
    before: str
    after: str


def why_not(fate: Fate, language: Language) -> str:
    """Why nothing takes it back; as untrusted as the file."""
    said = in_language(fate.reason, language)
    return (
        f"{word(fate.why, language)}{colon(language)} {said}" if said else word(fate.why, language)
    )


def notice_of(failed: Reverted, *, language: Language, console_url: str) -> Notice:
    """The message for chats."""
    outcome, context, ref = failed.fix.outcome, failed.fix.record.context, failed.fix.ref
    merged = f"!{ref.iid} {_merged(failed.fix, language)}".strip()
    if outcome.merged_at is not None:
        merged = f"{merged} ({when(outcome.merged_at)})"
    seen = [told(outcome.explanation, outcome.explanation_text, language)]
    seen += [f"{one.name} {one.before} → {one.after}" for one in measured(outcome, language)]
    if failed.back is not None:
        back = word("way_back_open", language, iid=failed.back.iid)
    else:
        back = f"{word('way_back_none', language)} {why_not(failed.fate, language)}"
    page = f"{console_url.rstrip('/')}/incidents/{attempt_of(outcome.incident_id).incident_id}"
    links = [(f"📋 {word('view_merged', language)}", ref.url)]
    if failed.back is not None:
        links = [(f"⏪ {word('view_revert', language)}", failed.back.url), *links]
    return Notice(
        "failed",
        f"❌ {word('head_failed', language)}",
        (
            (word("incident", language), context.alert_title or outcome.incident_id),
            (word("service", language), context.service or outcome.object.key),
            (word("environment", language), context.environment),
            (word("merged_fix", language), merged),
        ),
        (
            (f"🔍 {word('seen_after', language)}", "; ".join(part for part in seen if part)),
            (f"⏪ {word('way_back', language)}", back),
            (f"🧭 {word('comes_next', language)}", _next(failed, language)),
        ),
        (*links, (f"🧭 {word('view_incident', language)}", page)),
        shortened=word("shortened", language),
        colon=colon(language),
    )


def _next(failed: Reverted, language: Language) -> str:
    if failed.quiet_until is None:
        return word("comes_next_what", language)
    return word("comes_next_quiet", language, until=when(failed.quiet_until))


def measured(outcome: Outcome, language: Language) -> tuple[Measured, ...]:
    """The signals that were measured at all."""
    return tuple(_measured(one, language) for one in outcome.measurements)


def _measured(one: Measurement, language: Language) -> Measured:
    unit = "ratio" if one.name in ("error_rate", "throttled_ratio") else one.unit
    before, after = (
        "–" if value is None else number(value, unit, language) for value in (one.before, one.after)
    )
    return Measured(word(one.name, language) if has(one.name) else one.name, before, after)


def commit_message(fix: FailedFix, dialect: Dialect, language: Language) -> str:
    """Title, blank line, incident. Nothing in it is a trailer or a CI switch."""
    title = plain(dialect, _title(fix, language), 72)
    return f"K-Fix: {title}\n\nIncident {fix.record.incident_id}"


def _title(fix: FailedFix, language: Language) -> str:
    return word("revert_title", language, iid=fix.ref.iid, title=_merged(fix, language))


def _merged(fix: FailedFix, language: Language) -> str:
    plan = fix.outcome.plan
    return told(plan.title, plan.title_text, language) if plan else ""


def written(fix: FailedFix, back: ValidatedPlan, page: Page) -> Written:
    """All that the merge request says that takes a change back. ``back``: the plan that does."""
    dialect, language, context = page.dialect, page.language, fix.record.context
    outcome = fix.outcome
    where = ", ".join(part for part in (context.service, page.cluster) if part)
    title = f"🤖 K-Fix: {plain(dialect, _title(fix, language), 120)}"
    text = rendered(
        "revert",
        dialect,
        language,
        page=page,
        outcome=outcome,
        found=told(outcome.explanation, outcome.explanation_text, language),
        measured=measured(outcome, language),
        merged=fix.ref,
        merged_title=_merged(fix, language),
        plan=shown_plan(back, language),
        edits=shown_edits(back, language),
        service=context.service,
        environment=context.environment,
    )
    return Written(
        f"{title} ({plain(dialect, where, 60)})" if where else title,
        tuple(_labels(fix.record, back, dialect)),
        text,
    )


def _labels(record: ValidatedPlans, back: ValidatedPlan, dialect: Dialect) -> list[str]:
    between = dialect.capabilities.label_scope
    scoped = {
        "kfix": "proposed",
        "kfix-fix": "revert",
        "env": back.proof.environment,
        "team": record.context.team,
    }
    kept = {scope: dialect.label(value) for scope, value in scoped.items()}
    return [
        "k-fix",
        "automated",
        *(f"{scope}{between}{value}" for scope, value in kept.items() if value),
    ]
