"""What a capture of a cluster could not read, as it is written beside what it read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.base import Json
from schemas.context import SourceStatus

_KIND, _VERSION = "CaptureNote", "kfix/v1"
Why = Literal["", "unanswered", "refused"]


@dataclass(frozen=True, slots=True)
class Unread:
    """One thing that is not in the capture, or not whole. ``why``: as in ``SourceStatus``; with one, silence is no proof."""

    name: str
    reason: str
    why: Why = ""

    def status(self) -> SourceStatus:
        """As a source of evidence that did not tell everything."""
        return SourceStatus(name=self.name, state="degraded", reason=self.reason, why=self.why)


def note_of(unread: Iterable[Unread], not_served: Iterable[str] = ()) -> dict[str, Json]:
    """The note as one JSON object. ``not_served``: kinds that the cluster has not."""
    return {
        "apiVersion": _VERSION,
        "kind": _KIND,
        "unread": [{"name": u.name, "reason": u.reason, "why": u.why} for u in unread],
        "notServed": list(not_served),
    }


def unread_in(document: Json) -> tuple[Unread, ...] | None:
    """What a note tells; ``None`` for a document that is none. Entries of another shape are left out."""
    if not isinstance(document, Mapping):
        return None
    if (document.get("kind"), document.get("apiVersion")) != (_KIND, _VERSION):
        return None
    told = document.get("unread")
    return tuple(
        Unread(str(item["name"]), str(item["reason"]), _why(item.get("why")))
        for item in (told if isinstance(told, list) else ())
        if isinstance(item, Mapping) and item.get("name") and item.get("reason")
    )


def _why(value: Json) -> Why:
    if value == "unanswered":
        return "unanswered"
    return "refused" if value == "refused" else ""
