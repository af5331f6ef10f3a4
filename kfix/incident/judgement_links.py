"""Links by which a person judges an incident's fix: made where people are told of it, honoured where they answer. Pure.

A link names the incident, one verdict and its end, and is signed with HMAC-SHA256: who has it may give that one verdict on
that one incident until then, and nothing else. Following it changes nothing, since chats follow links to show what is behind
them; the page behind it asks, and its form acts. Several keys: the first one signs, every one is honoured, so that a key
can be exchanged without links of before going dead.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args
from urllib.parse import urlencode

from schemas.identity import stable_id

LinkVerdict = Literal["useful", "wrong_cause", "wrong_fix", "snooze"]
LINK_VERDICTS: tuple[LinkVerdict, ...] = get_args(LinkVerdict)
#: Path of the page at the console.
PATH = "/judge"
_INCIDENT = re.compile(r"[A-Za-z0-9_-]{1,80}")
_EPOCH = re.compile(r"[1-9]\d{0,11}")


@dataclass(frozen=True, slots=True)
class JudgementLink:
    """What a link says. ``until``: seconds since 1970. ``signature``: base64url without padding."""

    incident_id: str
    verdict: LinkVerdict
    until: int
    signature: str

    @property
    def fields(self) -> dict[str, str]:
        """As the link's query and the page's form carry it."""
        return {
            "incident": self.incident_id,
            "verdict": self.verdict,
            "until": str(self.until),
            "signature": self.signature,
        }

    def event_id(self, person: str) -> str:
        """The id of what a person says by this link: the same person says one thing by it."""
        return stable_id("fb", self.signature, " ".join(person.casefold().split()), digits=32)


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """Makes and reads links. Without ``keys`` there are none. ``valid``: for how long a link is good."""

    keys: tuple[bytes, ...] = field(default=(), repr=False)
    valid: timedelta = timedelta(days=14)

    def links(self, incident_id: str, console_url: str, now: datetime) -> dict[LinkVerdict, str]:
        """The address for each verdict; none without a key, or for an id that no link can carry."""
        if not self.keys or not _INCIDENT.fullmatch(incident_id):
            return {}
        until = int((now + self.valid).timestamp())
        return {
            verdict: f"{console_url.rstrip('/')}{PATH}?{urlencode(link.fields)}"
            for verdict in LINK_VERDICTS
            for link in [self._signed(incident_id, verdict, until)]
        }

    def read(
        self, said: Mapping[str, str], now: datetime
    ) -> JudgementLink | Literal["forged", "expired"]:
        """The link in a query or a form. ``forged`` for whatever no key of ours signed, whenever it ends."""
        incident, until = said.get("incident", ""), said.get("until", "")
        verdict = next((v for v in LINK_VERDICTS if v == said.get("verdict")), None)
        if verdict is None or not _INCIDENT.fullmatch(incident) or not _EPOCH.fullmatch(until):
            return "forged"
        given = said.get("signature", "").encode()
        right = [
            hmac.compare_digest(_signature(key, incident, verdict, int(until)).encode(), given)
            for key in self.keys
        ]
        if not any(right):
            return "forged"
        if int(until) < now.timestamp():
            return "expired"
        return JudgementLink(incident, verdict, int(until), said["signature"])

    def _signed(self, incident_id: str, verdict: LinkVerdict, until: int) -> JudgementLink:
        signature = _signature(self.keys[0], incident_id, verdict, until)
        return JudgementLink(incident_id, verdict, until, signature)


def _signature(key: bytes, incident_id: str, verdict: LinkVerdict, until: int) -> str:
    said = f"kfix-judgement-1\n{incident_id}\n{verdict}\n{until}".encode()
    return urlsafe_b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode().rstrip("=")
