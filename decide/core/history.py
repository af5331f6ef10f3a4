"""What earlier incidents teach, as a model is told it: in the prompt's language, bounded, everything of others fenced. Pure.

Lessons and people's words stand between ``<<`` and ``>>``, which the prompt's rules declare to be data; what is between them
can neither end the fence nor hide a character. The sentences around them are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kfix.incident.judgements import verdict_of
from kfix.texts import Language, told, word
from schemas.context import ContextBundle, Pattern, SimilarIncident
from schemas.feedback import Feedback

#: Outside text without control characters and delimiters, at most so many characters: ``decide.core.question.inert``.
Inert = Callable[[str, int], str]
#: Characters of one lesson, of all lessons listed, of one person's words, and of all people's words together.
_LESSON, _LESSONS, _WORDS, _ALL_WORDS = 400, 2_000, 240, 1_600
#: Examples shown: what held teaches most, what failed must be among them.
_HELD, _FAILED = 2, 2
#: Results that an example can be made of.
_ENDED = ("success", "partial", "failure", "rejected")


@dataclass(frozen=True, slots=True)
class ToldHistory:
    """The parts of a prompt that are about the past, each ``-`` where there is nothing to tell."""

    examples: str
    similar: str
    worked: str
    failed: str
    lessons: str


def history_of(bundle: ContextBundle, language: Language, inert: Inert) -> ToldHistory:
    """What a bundle says of earlier incidents."""
    similar = bundle.similar_incidents
    return ToldHistory(
        examples=_lines(_examples(similar, language, inert)),
        similar=_lines(_similar(one, language, inert) for one in similar),
        worked=_lines(_pattern(one, language, inert) for one in bundle.successful_patterns),
        failed=_lines(_pattern(one, language, inert) for one in bundle.failed_patterns),
        lessons=_lines(_lessons(bundle, language, inert)),
    )


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines) or "-"


def _similar(incident: SimilarIncident, language: Language, inert: Inert) -> str:
    return "- " + word(
        "decide.prompt.similar",
        language,
        cause=inert(incident.failure_class, 60),
        plan=inert(incident.fix_kind, 40),
        result=_result(incident.result or "open", language),
        similarity=incident.similarity,
    )


def _pattern(pattern: Pattern, language: Language, inert: Inert) -> str:
    return "- " + word(
        "decide.prompt.pattern",
        language,
        plan=inert(pattern.fix_kind, 40),
        cause=inert(pattern.failure_class, 60),
        kind=inert(pattern.workload_kind, 60),
        result=_result(pattern.result, language),
    )


def _lessons(bundle: ContextBundle, language: Language, inert: Inert) -> list[str]:
    """Every lesson once, in the language where it is known in it, as many as there is room for."""
    known = {
        one.lesson: told(one.lesson, one.lesson_text, language) for one in bundle.similar_incidents
    }
    lines: list[str] = []
    left = _LESSONS
    for lesson in bundle.lessons_learned:
        line = f"- <<{inert(known.get(lesson, lesson), _LESSON)}>>"
        left -= len(line)
        if left < 0:
            break
        lines.append(line)
    return lines


def _examples(incidents: Sequence[SimilarIncident], language: Language, inert: Inert) -> list[str]:
    """Few-shot examples from outcomes: the nearest incidents whose fix held, and the nearest whose fix did not."""
    known = sorted(
        (i for i in incidents if i.result in _ENDED and i.fix_kind),
        key=lambda i: (-i.similarity, i.incident_id),
    )
    held = [i for i in known if i.result == "success"][:_HELD]
    failed = [i for i in known if i.result != "success"][:_FAILED]
    left = _ALL_WORDS
    lines: list[str] = []
    for number, incident in enumerate([*held, *failed], 1):
        people: list[str] = []
        for one in reversed(incident.people):  # the newest first, while there is room
            said = _said(one, language, inert)
            left -= len(said)
            if left < 0:
                break
            people.insert(0, said)
        lines.append(_example(number, incident, people, language, inert=inert))
    return lines


def _example(
    number: int,
    incident: SimilarIncident,
    people: Sequence[str],
    language: Language,
    *,
    inert: Inert,
) -> str:
    lesson = inert(told(incident.lesson, incident.lesson_text, language), _LESSON)
    parts = [
        word(
            "decide.prompt.example",
            language,
            n=number,
            cause=inert(incident.failure_class, 60),
            plan=inert(incident.fix_kind, 40),
            result=_result(str(incident.result), language),
        ),
        word("decide.prompt.lesson", language, lesson=f"<<{lesson}>>") if lesson else "",
        word("decide.prompt.people", language, people="; ".join(people)) if people else "",
        word(
            "decide.prompt.answer", language, answer=_right_answer(str(incident.result), language)
        ),
    ]
    return " ".join(part for part in parts if part)


def _said(one: Feedback, language: Language, inert: Inert) -> str:
    """One person's word: who, in which role, when, what they judged, and their words."""
    judged = _judgement(one, language)
    known = [
        word(f"decide.prompt.role.{one.role}", language) if one.role else "",
        f"{one.at:%Y-%m-%d}" if one.at else "",
    ]
    about = ", ".join(part for part in known if part)
    who = f"<<{inert(one.author, 60)}>>" + (f" ({about})" if about else "")
    words = f" <<{inert(one.text, _WORDS)}>>" if one.text else ""
    return f"{word('decide.prompt.says', language, who=who, judged=judged)}{words}"


def _judgement(one: Feedback, language: Language) -> str:
    verdict = verdict_of(one) or "comment"
    about = f"_{one.about}" if verdict == "bad" and one.about else ""
    return word(f"decide.prompt.judged.{verdict}{about}", language)


def _result(result: str, language: Language) -> str:
    return word(f"decide.prompt.result.{result}", language)


def _right_answer(result: str, language: Language) -> str:
    """How a fix that ended so should have been answered."""
    return word(f"decide.prompt.right.{result}", language)
