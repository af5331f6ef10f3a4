"""People's words on a merge request as records for who learns of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from kfix.incident.forge.port import Role
from schemas.feedback import Feedback
from schemas.identity import stable_id
from schemas.merge_requests import MergeRequestEvent, MergeRequestRef

#: Characters of a comment that are kept: what is learned of it is shorter still.
_KEPT = 600
_ROLES: dict[Role, Literal["", "reader", "developer", "maintainer", "owner"]] = {
    Role.NOBODY: "",
    Role.READER: "reader",
    Role.DEVELOPER: "developer",
    Role.MAINTAINER: "maintainer",
    Role.OWNER: "owner",
}
#: Names of users that are programs. Source: docs.gitlab.com/user/project/settings/project_access_tokens ("Bot users for
#: projects"), /user/group/settings/group_access_tokens, /user/profile/service_accounts; GitHub's end in ``[bot]``.
_MACHINE = re.compile(
    r"(?:project|group)_\d+_bot(?:_?[0-9a-f]+)?|service_account_.+|.+[-_.]bot|.+\[bot\]"
    r"|bot|ghost|gitlab-.*bot|(?:alert|support|security|migration|automation|visual-review)-bot",
    re.IGNORECASE,
)


def is_machine(name: str, named: Sequence[str] = ()) -> bool:
    """Is the user a program, by its name? ``named``: further names of programs."""
    return _MACHINE.fullmatch(name) is not None or name.lower() in (one.lower() for one in named)


def said_in(event: MergeRequestEvent) -> Feedback | None:
    """The words of a comment, which judge nothing; ``None`` for one without a letter."""
    text = event.text.strip()
    if not event.actor or not any(character.isalnum() for character in text):
        return None
    return Feedback(author=event.actor, text=text)


def told(
    event: MergeRequestEvent, said: Feedback, ref: MergeRequestRef, role: Role
) -> MergeRequestEvent:
    """The record of what somebody who may judge said in a comment; of the same comment it is the same."""
    known = {"role": _ROLES[role], "way": "comment", "at": event.occurred_at}
    text = said.text if len(said.text) <= _KEPT else f"{said.text[: _KEPT - 1]}…"
    return event.model_copy(
        update={
            "event_id": stable_id("mre", event.event_id, "feedback"),
            "action": "feedback",
            "merge_request": ref,
            "text": text,
            "feedback": said.model_copy(update={**known, "text": text}),
        }
    )
