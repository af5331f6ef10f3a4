"""What a source of webhooks is: its path, how its requests are authenticated, what they say.

One folder a source in ``ingest/sources``; the door handles all of them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ingest.core.authenticity import Signature
from ingest.core.outcomes import Ignored, Malformed, RefusedDelivery
from ingest.core.reading import Document
from schemas.alerts import Alert
from schemas.base import Record

#: The records of a delivery, each its own; a part that cannot be read stands as ``Malformed`` among the others.
Reading = tuple[Record | Malformed, ...] | Ignored | Malformed


class RequestHeaders(Protocol):
    """A request's headers; names in any case."""

    def getlist(self, key: str, /) -> list[str]:
        """Every value of a header, in the order in which they came; none when it is missing."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """An authentic request, whole."""

    document: Document
    #: As it came, and without its compression.
    body: bytes
    plain: bytes
    headers: RequestHeaders
    received_at: datetime

    def header(self, name: str) -> str:
        """The first value of a header, empty when it is missing."""
        return next(iter(self.headers.getlist(name)), "")


class Receiver(Protocol):
    """What a source makes of a request. Pure: no I/O; the time comes in."""

    def credentials(
        self, headers: RequestHeaders, now_s: float
    ) -> Signature | RefusedDelivery | None:
        """Before the body is read: the signature to verify over it; ``None`` when a token was right."""
        ...

    def read(self, delivery: WebhookDelivery) -> Reading:
        """The records. The same delivery gives the same ``event_id``s, so that a repeated one is dropped downstream."""
        ...


def _nothing(_: bytes) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class AlertSource:
    """A sender of webhooks."""

    #: Its folder's name: in metrics, logs and records.
    name: str
    #: What people call it.
    title: str
    path: str
    #: What it writes: names the topic, and the dead letters.
    writes: type[Record]
    receiver: Receiver
    #: For the OpenAPI description.
    summary: str
    authentication: str
    examples: Mapping[str, Mapping[str, Any]]
    #: Headers beside the content's that go with a dead letter, so that it can be read again: none of them is a secret.
    kept_headers: tuple[str, ...] = ()
    #: Whether people write its payloads by hand, so that what is almost JSON may be mended (``ingest.core.repairs``).
    mends: bool = False
    #: What a body that cannot be read says all the same, for people: ``rule_id`` and ``title``, untrusted.
    glimpse: Callable[[bytes], Mapping[str, str]] = _nothing


@dataclass(frozen=True, slots=True)
class SaidAlert:
    """What a payload says of one alert, however little, and the id of its delivery."""

    alert: Alert
    delivery: str


class AlertReader(Protocol):
    """Reads a payload without its request: a captured case, a file."""

    def recognises(self, document: Document) -> bool:
        """Whether the payload is this source's."""
        ...

    def said(self, document: Document, body: bytes) -> SaidAlert:
        """The payload's alert; of several, the first that is not over."""
        ...
