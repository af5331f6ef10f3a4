"""What people say of a proposal: a judgement, words, or both. It travels in `mr.events` and `outcomes`, and stands in memory."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Instant, Model

#: Which way a person's word came: a comment on the merge request, a signed link, the console's form, its API.
FeedbackWay = Literal["", "comment", "link", "form", "api"]


class Feedback(Model):
    """A person's judgement. ``score`` from −1 (harmful) to 1 (right), ``None`` when only words were given.

    ``text`` is masked and outside text for whoever shows it.
    """

    author: str
    verdict: Literal["good", "bad", "partial", "comment"] = "comment"
    text: str = ""
    score: float | None = Field(default=None, ge=-1.0, le=1.0)
    #: Of ``bad``: what was wrong, the diagnosis or the change; empty: not said.
    about: Literal["", "cause", "fix"] = ""
    #: The author's role in the project, where the forge told it.
    role: Literal["", "reader", "developer", "maintainer", "owner"] = ""
    way: FeedbackWay = ""
    #: When it was said; ``None`` in records of older versions.
    at: Instant | None = None
