"""Comments on merge requests: what happened since, and answers to ``/kfix …``. Outside text is inert.

No line of them starts with ``/kfix``, so that K-Fix never takes its own words for a wish.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from kfix.incident.forge.dialect import Dialect
from kfix.incident.inert import address
from kfix.texts import in_language, told
from publish.core.done import NoteKind
from publish.core.failed import Reverted, why_not
from publish.core.markdown import blocks, bullets, table
from publish.core.notice import steps_head
from publish.core.pages import rendered
from publish.core.view import causes_of, plan_of, plans_of
from publish.core.wording import Language, colon, has, number, when, word
from schemas.feedback import Feedback
from schemas.identity import stable_id
from schemas.merge_requests import MergeRequestRef
from schemas.outcomes import Measurement, Outcome
from schemas.plans import SecondOpinion
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
#: What a judgement says was wrong.
_WRONG = {"cause": "bad_cause", "fix": "bad_fix"}
_OFF = ("off", "0", "non", "stop")


def duration(text: str, longest: timedelta) -> timedelta | None:
    """``30m``, ``2h``, ``3d`` (``3j``), ``1w`` (``1s``, ``1sem``), at most ``longest``; zero for ``off``; ``None`` for anything else."""
    wanted = text.strip().lower()
    if wanted in _OFF:
        return timedelta(0)
    match = _DURATION.fullmatch(wanted)
    return min(int(match[1]) * _UNITS[match[2]], longest) if match else None


def usage(language: Language, about: str = "") -> str:
    """What K-Fix understands. ``about``: what to say first."""
    commands = {
        "/kfix explain": "help_explain",
        "/kfix alternative N": "help_alternative",
        "/kfix snooze 2h": "help_snooze",
        "/kfix feedback useful|partial|wrong-cause|wrong-fix": "help_feedback",
    }
    lines = [f"`{line}`{colon(language)} {word(key, language)}" for line, key in commands.items()]
    return blocks(about, word("help", language), bullets(lines))


def note_of(
    kind: NoteKind,
    record: ValidatedPlans,
    dialect: Dialect,
    language: Language,
    *,
    window: int,
    steps: Sequence[tuple[str, str]] = (),
) -> tuple[str, str]:
    """(the key under which a note is written once, its text). ``window``: within it an alert's news is told once.

    ``steps``: what people look at next, as ``notice.steps_of`` says.
    """
    if kind == "note":
        at = record.context.alerted_at
        return record.event_id, repeat(record, dialect, language=language, at=at, steps=steps)
    if kind in _JOINED:
        text = joined(kind, record, dialect, language)
        return stable_id("joined", record.incident_id, kind), text
    return f"{kind}-{window}", word(f"note_{kind}", language)


def repeat(
    record: ValidatedPlans,
    dialect: Dialect,
    *,
    language: Language,
    at: datetime,
    steps: Sequence[tuple[str, str]] = (),
) -> str:
    """A later alert of the same incident. ``steps``: what people look at next, as ``notice.steps_of`` says."""
    alert = dialect.prose(record.context.alert_title, 200)
    said = f"{word('note_repeat', language)} ({when(at)}){colon(language)} {alert}"
    return blocks(said, _next(record, steps, dialect, language))


def _next(
    record: ValidatedPlans, steps: Sequence[tuple[str, str]], dialect: Dialect, language: Language
) -> str:
    """What people look at next, where the record hands over to them; empty where it does not."""
    lines = [
        dialect.prose(what, 400) + (f" {dialect.code(command)}" if command else "")
        for what, command in steps
    ]
    head = f"**{dialect.prose(steps_head(record, language), 200)}**"
    return blocks(head, bullets(lines)) if lines else ""


def joined(why: str, record: ValidatedPlans, dialect: Dialect, language: Language) -> str:
    """Another incident asks for this object's change as well: the same one, or a competing one."""
    alert = dialect.prose(record.context.alert_title, 200)
    incident, cluster = dialect.code(record.incident_id), record.context.cluster
    where = f" ({word('in_cluster', language)} {dialect.code(cluster)})" if cluster else ""
    return f"{word(_JOINED[why], language)} {incident}{where}{colon(language)} {alert}"


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
        said = f"**{word(_WRONG.get(feedback.about, feedback.verdict), language)}**"
    words = f" – {dialect.prose(feedback.text, 300)}" if feedback.text else ""
    return f"{word('feedback_taken', language)} {said}{words}"


def silenced(by: str, until: datetime | None, dialect: Dialect, language: Language) -> str:
    """A person silenced the incident elsewhere than here, or ended that (``until`` is ``None``)."""
    said = f"{word('snoozed', language)} {when(until)}." if until else word("awake", language)
    return f"{said} ({dialect.prose(by, 100)})" if by else said


def ending_of(outcome: Outcome) -> str:
    """Which of our words says what was found: the result, or that the change is not live, or that its alert came back."""
    if outcome.came_back_at is not None:
        return "came_back"
    return "late" if outcome.is_late else outcome.result


def ended(outcome: Outcome, dialect: Dialect, language: Language) -> str:
    """What was found after the merge."""
    rows = [_measured(measurement, dialect, language) for measurement in outcome.measurements]
    head = [word(key, language) for key in ("signal", "before", "after")]
    return blocks(
        word(f"outcome_{ending_of(outcome)}", language),
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
    shown, others = plans_of(record, chosen, language, {})
    return rendered(
        "explained",
        dialect,
        language,
        causes=causes_of(record, language)[:5],
        others=others,
        checks=shown.checks,
        opinion=_opinion(record.second_opinion, language),
    ) or word("history_none", language)


def _opinion(opinion: SecondOpinion, language: Language) -> tuple[str, str] | None:
    """What it came to, and why; ``None`` where nobody was asked."""
    if not opinion.asked:
        return None
    key = f"opinion_{opinion.verdict}"
    verdict = word(key, language) if has(key) else opinion.verdict
    return verdict, opinion.summary or told(opinion.reason, opinion.reason_text, language)


def refused(other: ValidatedPlan, dialect: Dialect, language: Language) -> str:
    """Why an alternative is not put on the branch."""
    return rendered("refused", dialect, language, plan=plan_of(0, other, language))


def reverted(failed: Reverted, dialect: Dialect, language: Language) -> str:
    """A merged fix did not hold: what takes it back, or why nothing does."""
    if failed.back is None:
        why = dialect.prose(why_not(failed.fate, language), 500)
        return f"{word('revert_none_note', language)} {why}"
    return beside("revert_note", failed.back, dialect, language)


def elsewhere(fix: MergeRequestRef, dialect: Dialect, language: Language) -> str:
    """Orders are not taken on a merge request that takes a change back."""
    return beside("elsewhere", fix, dialect, language)


def beside(key: str, other: MergeRequestRef, dialect: Dialect, language: Language) -> str:
    """A sentence of ours about another merge request, with the way there."""
    shown = dialect.code(f"!{other.iid}")
    linked = f"[{shown}]({other.url})" if address(other.url) else shown
    return f"{word(f'beside_{key}', language)} {linked}."


def declined(why: str, reason: str, dialect: Dialect, language: Language) -> str:
    """Why nothing was done, for a comment."""
    if not reason:
        return word(why, language)
    said = dialect.prose(in_language(reason, language), 300)
    return f"{word(why, language)}{colon(language)} {said}"


def switched(at: int, other: ValidatedPlan, dialect: Dialect, language: Language) -> str:
    """Another plan is on the branch now."""
    return rendered("switched", dialect, language, plan=plan_of(at, other, language))


def no_such_plan(known: Sequence[int], language: Language) -> str:
    """The numbers that there are."""
    listed = ", ".join(str(at) for at in known) or "–"
    return f"{word('no_such_plan', language)}{colon(language)} {listed}."
