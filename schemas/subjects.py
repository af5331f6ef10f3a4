"""What an alert is about: how it was found, what else it could have been, and why nobody could tell."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import ObjectRef
from schemas.text import Spoken, Text

#: How the search ended. ``unsought``: a capture or a record from before there was one. ``found``: one object.
#: ``namespace``, ``node``: the alert is about that one as a whole. The others need a person: ``nothing_named`` (no name
#: that leads to an object), ``not_found`` (the cluster has no such thing), ``other_environment`` (only in environments
#: that the alert is not about), ``several_sick`` and ``none_sick`` (several it may be), ``not_all_read`` (the cluster was
#: read in part).
Ending = Literal[
    "unsought",
    "found",
    "namespace",
    "node",
    "nothing_named",
    "not_found",
    "other_environment",
    "several_sick",
    "none_sick",
    "not_all_read",
]
#: Endings that name nothing a change could be made for.
UNKNOWN: frozenset[Ending] = frozenset(
    {
        "nothing_named",
        "not_found",
        "other_environment",
        "several_sick",
        "none_sick",
        "not_all_read",
    }
)


class Candidate(Spoken):
    """An object that the alert may be about. ``signs``: what shows that it is sick; empty for a well one."""

    object: ObjectRef
    signs: tuple[str, ...] = ()
    signs_text: tuple[Text | None, ...] = ()


class SubjectSearch(Spoken):
    """How the alert's subject was looked for."""

    ending: Ending = "unsought"
    #: The name that led there, as ``service:checkout``; untrusted text.
    by: str = ""
    #: Everything that the name may mean, the subject among them; one alone is not repeated here.
    candidates: tuple[Candidate, ...] = Field(default=())
    #: One sentence, where there is more to say.
    reason: str = ""
    reason_text: Text | None = None


class Withheld(Spoken):
    """Why an alert is recorded and not acted on. ``test``: somebody tried the monitor's notification. ``muted``: people
    silenced it."""

    kind: Literal["", "test", "muted"] = ""
    reason: str = ""
    reason_text: Text | None = None
