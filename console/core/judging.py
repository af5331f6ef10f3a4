"""A person's judgement of an incident as a record of ``mr.events``, whichever way it came. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from kfix.incident.merge_request_words import clean
from kfix.incident.redaction import mask
from schemas.feedback import Feedback, FeedbackWay
from schemas.merge_requests import MergeRequestEvent

#: What people can say. ``bad`` leaves open what was wrong; ``snooze`` silences the incident and judges nothing.
Judgement = Literal[
    "good", "useful", "partial", "bad", "wrong_cause", "wrong_fix", "comment", "snooze"
]
#: For how long, as ``/kfix snooze`` takes it; ``off`` ends it.
Silence = Literal["2h", "1d", "1w", "off"]
SILENCES: tuple[Silence, ...] = get_args(Silence)
#: Characters of a name and of what is said.
NAME, TEXT = 100, 2_000
_SCORES = {"good": 1.0, "useful": 1.0, "partial": 0.0}
_Verdict = Literal["good", "bad", "partial", "comment"]
_VERDICTS: dict[Judgement, tuple[_Verdict, Literal["", "cause", "fix"]]] = {
    "good": ("good", ""),
    "useful": ("good", ""),
    "partial": ("partial", ""),
    "bad": ("bad", ""),
    "wrong_cause": ("bad", "cause"),
    "wrong_fix": ("bad", "fix"),
    "comment": ("comment", ""),
}


def judged(
    incident_id: str,
    judgement: Judgement,
    *,
    event_id: str,
    at: datetime,
    way: FeedbackWay,
    author: str = "",
    text: str = "",
    silence: Silence = "1d",
) -> MergeRequestEvent:
    """The record. Name and text are masked and without invisible characters; nobody's name is ``console``."""
    who = clean(mask(author), NAME) or "console"
    said = clean(mask(text), TEXT)
    event = MergeRequestEvent(
        event_id=event_id,
        occurred_at=at,
        incident_id=incident_id,
        action="feedback",
        actor=who,
        text=said,
    )
    if judgement == "snooze":
        return event.model_copy(update={"command": "snooze", "argument": silence})
    verdict, about = _VERDICTS[judgement]
    score = _SCORES.get(judgement, -1.0 if verdict == "bad" else None)
    feedback = Feedback(
        author=who, verdict=verdict, about=about, text=said, score=score, way=way, at=at
    )
    return event.model_copy(update={"feedback": feedback})
