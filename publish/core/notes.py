"""Comments on merge requests: what happened since, and answers to ``/kfix …``. Outside text is inert.

No line of them starts with ``/kfix``, so that K-Fix never takes its own words for a wish.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from kfix.incident.forge.dialect import Dialect
from kfix.texts import in_language, told, told_all
from publish.core.description import alternative, alternatives
from publish.core.markdown import blocks, bullets, table
from publish.core.wording import Language, check_name, colon, has, number, percent, word
from schemas.merge_requests import Feedback
from schemas.outcomes import Measurement, Outcome
from schemas.plans import Evidence, Hypothesis
from schemas.validated import ValidatedPlan, ValidatedPlans

_DURATION = re.compile(r"(\d{1,4})\s*(m|min|h|d|j|w|s|sem)", re.IGNORECASE)
_UNITS = {
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "j": timedelta(days=1),
    "w": timedelta(weeks=1),
    "s": timedelta(weeks=1),
    "sem": timedelta(weeks=1),
}
#: What is said where another incident has the object.
_JOINED = {"same_change": "same_change_note", "competing": "competing_note"}
_OFF = ("off", "0", "non", "stop")


def duration(text: str, longest: timedelta) -> timedelta | None:
    """``30m``, ``2h``, ``3d`` (``3j``), ``1w`` (``1s``, ``1sem``), at most ``longest``; zero for ``off``; ``None`` for anything else."""
    wanted = text.strip().lower()
    if wanted in _OFF:
        return timedelta(0)
    match = _DURATION.fullmatch(wanted)
    return min(int(match[1]) * _UNITS[match[2]], longest) if match else None


def when(at: datetime) -> str:
    """A point in time as people of both languages read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def usage(language: Language, about: str = "") -> str:
    """What K-Fix understands. ``about``: what to say first."""
    commands = {
        "/kfix explain": "help_explain",
        "/kfix alternative N": "help_alternative",
        "/kfix snooze 2h": "help_snooze",
        "/kfix feedback good|partial|bad": "help_feedback",
    }
    lines = [f"`{line}`{colon(language)} {word(key, language)}" for line, key in commands.items()]
    return blocks(about, word("help", language), bullets(lines))


def repeat(record: ValidatedPlans, dialect: Dialect, *, language: Language, at: datetime) -> str:
    """A later alert of the same incident."""
    alert = dialect.prose(record.context.alert_title, 200)
    return f"{word('note_repeat', language)} ({when(at)}){colon(language)} {alert}"


def joined(why: str, record: ValidatedPlans, dialect: Dialect, language: Language) -> str:
    """Another incident asks for this object's change as well: the same one, or a competing one."""
    alert = dialect.prose(record.context.alert_title, 200)
    incident = dialect.code(record.incident_id)
    return f"{word(_JOINED[why], language)} {incident}{colon(language)} {alert}"


def closed(until: datetime, language: Language) -> str:
    """People closed it."""
    return blocks(f"{word('closed_note', language)} {when(until)}.", word("closed_undo", language))


def remembered(until: datetime, language: Language) -> str:
    """The same trouble came again after people had closed the merge request."""
    return f"{word('remembered_note', language)} {when(until)}."


def judged(feedback: Feedback, dialect: Dialect, language: Language) -> str:
    """Thanks for a judgement, and how it was understood."""
    if feedback.score is not None:
        said = dialect.code(f"{feedback.score:g}")
    else:
        said = f"**{word(feedback.verdict, language)}**"
    words = f" – {dialect.prose(feedback.text, 300)}" if feedback.text else ""
    return f"{word('feedback_taken', language)} {said}{words}"


def ended(outcome: Outcome, dialect: Dialect, language: Language) -> str:
    """What was found after the merge."""
    rows = [_measured(measurement, dialect, language) for measurement in outcome.measurements]
    head = [word(key, language) for key in ("signal", "before", "after")]
    return blocks(
        word(f"outcome_{outcome.result}", language),
        dialect.line(
            dialect.prose(told(outcome.explanation, outcome.explanation_text, language), 400)
        ),
        table(head, rows),
    )


def _measured(measurement: Measurement, dialect: Dialect, language: Language) -> list[str]:
    unit = "ratio" if measurement.name in ("error_rate", "throttled_ratio") else measurement.unit
    values = (measurement.before, measurement.after)
    shown = ["–" if v is None else dialect.code(number(v, unit, language)) for v in values]
    name = measurement.name
    return [word(name, language) if has(name) else dialect.code(name), *shown]


def explain(
    record: ValidatedPlans, chosen: ValidatedPlan, dialect: Dialect, language: Language
) -> str:
    """What was considered: causes with what speaks for and against them, the other plans, what is not proven."""
    analysis = record.analysis
    evidence = {e.id: e for e in analysis.evidence} if analysis else {}
    causes = [
        _cause(h, evidence, dialect, language)
        for h in (analysis.hypotheses if analysis else ())[:5]
    ]
    others = [
        alternative(at, other, dialect, language) for at, other in alternatives(record, chosen)
    ]
    doubts = [
        f"{check_name(c.name, language)}{colon(language)} {dialect.prose(told(c.reason, c.reason_text, language), 300)}"
        for c in chosen.checks
        if c.verdict != "pass"
    ]
    return blocks(
        *_titled("considered", bullets(causes), language),
        *_titled("alternatives", blocks(*others), language),
        *_titled("stopped_by", bullets(doubts), language),
        *_titled("opinion", _opinion(record, dialect, language), language),
    ) or word("history_none", language)


def _titled(key: str, body: str, language: Language) -> tuple[str, ...]:
    return (f"**{word(key, language)}**", body) if body else ()


def _cause(
    cause: Hypothesis, evidence: dict[str, Evidence], dialect: Dialect, language: Language
) -> str:
    head = dialect.prose(told(cause.root_cause, cause.root_cause_text, language), 300)
    shown = f"{percent(cause.confidence, language)} {head}"
    speaks_for = [_statement(one, evidence, language) for one in cause.evidence_for]
    against = [
        _statement(one, evidence, language)
        for one in told_all(cause.evidence_against, cause.evidence_against_text, language)
    ]
    for key, sentences in (("for", speaks_for), ("against", against)):
        said = [dialect.prose(sentence, 200) for sentence in sentences[:4]]
        shown += f"<br>{word(key, language)}{colon(language)} {' · '.join(said)}" if said else ""
    return shown


def _statement(said: str, evidence: dict[str, Evidence], language: Language) -> str:
    """A piece of evidence by its id, or a sentence."""
    found = evidence.get(said)
    return said if found is None else told(found.statement, found.statement_text, language)


def _opinion(record: ValidatedPlans, dialect: Dialect, language: Language) -> str:
    opinion = record.second_opinion
    if not opinion.asked:
        return ""
    key = f"opinion_{opinion.verdict}"
    verdict = word(key, language) if has(key) else opinion.verdict
    why = told(opinion.reason, opinion.reason_text, language)
    parts = (dialect.code(verdict), dialect.prose(opinion.summary or why, 500))
    return " ".join(part for part in parts if part)


def refused(other: ValidatedPlan, dialect: Dialect, language: Language) -> str:
    """Why an alternative is not put on the branch."""
    reasons = [
        f"{check_name(c.name, language)}{colon(language)} {dialect.prose(told(c.reason, c.reason_text, language), 300)}"
        for c in other.checks
        if c.name in other.rejected_by
    ]
    return blocks(word("not_accepted", language), bullets(reasons))


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
    return "; ".join(reasons) if not any(p.accepted for p in record.plans) else ""


def declined(why: str, reason: str, dialect: Dialect, language: Language) -> str:
    """Why nothing was done, for a comment."""
    if not reason:
        return word(why, language)
    said = dialect.prose(in_language(reason, language), 300)
    return f"{word(why, language)}{colon(language)} {said}"


def plain(why: str, reason: str, language: Language) -> str:
    """Why nothing was done: a sentence of ours, and what somebody else said, as untrusted as that."""
    said = in_language(reason, language)
    return f"{word(why, language)}{colon(language)} {said}" if said else word(why, language)


def switched(at: int, other: ValidatedPlan, dialect: Dialect, language: Language) -> str:
    """Another plan is on the branch now."""
    return blocks(word("switched", language), alternative(at, other, dialect, language))


def no_such_plan(known: Sequence[int], language: Language) -> str:
    """The numbers that there are."""
    listed = ", ".join(str(at) for at in known) or "–"
    return f"{word('no_such_plan', language)}{colon(language)} {listed}."
