"""What travels beside a value: trace, versions, incident, attempt, and for dead letters the failure.

Trace context is W3C Trace Context (https://www.w3.org/TR/trace-context/), level 1.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

TRACEPARENT = "traceparent"
SCHEMA_VERSION = "kfix-schema-version"
#: K-Fix's version that wrote the record.
PRODUCER = "kfix-producer"
INCIDENT = "kfix-incident"
EVENT_ID = "kfix-event-id"
#: Event id of the record that this one is the result of.
CAUSE = "kfix-cause"
#: Attempts made so far, over all rounds.
ATTEMPT = "kfix-attempt"
#: The stage whose handler is meant (retry) or gave up (dead letter).
STAGE = "kfix-stage"
#: Rounds through the retry topic so far, and when the next attempt is due (Unix seconds).
ROUND = "kfix-round"
DUE = "kfix-due"
#: When the record was first seen by the stage that gave up (RFC 3339).
FIRST_SEEN = "kfix-first-seen"
#: Where a retried or dead record came from.
TOPIC = "kfix-topic"
PARTITION = "kfix-partition"
OFFSET = "kfix-offset"
#: The failure: class name, stable reason, message for people (capped, secrets masked).
ERROR = "kfix-error"
REASON = "kfix-reason"
MESSAGE = "kfix-message"

#: Headers that describe one failure; they are dropped when the record is sent on its way again.
OF_FAILURE = frozenset(
    {ATTEMPT, STAGE, ROUND, DUE, FIRST_SEEN, TOPIC, PARTITION, OFFSET, ERROR, REASON, MESSAGE}
)

Headers = dict[str, str]
Wire = list[tuple[str, bytes]]

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_NO_TRACE = "0" * 32


def read(wire: Sequence[tuple[str, bytes]]) -> Headers:
    """Headers as text; the last of a name wins, bytes that are no UTF-8 are replaced."""
    return {name: value.decode("utf-8", "replace") if value else "" for name, value in wire}


def write(headers: Mapping[str, str]) -> Wire:
    """Headers as the broker takes them."""
    return [(name, value.encode()) for name, value in headers.items()]


def trace_of(traceparent: str) -> str | None:
    """The trace id of a ``traceparent``; ``None`` when it is not one."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return match.group(1) if match and match.group(1) != _NO_TRACE else None


def next_traceparent(traceparent: str) -> str:
    """The same trace one span further; a new trace when there is none to go on."""
    trace = trace_of(traceparent) or "%032x" % (random.getrandbits(128) | 1)
    return "00-%s-%016x-01" % (trace, random.getrandbits(64) | 1)  # noqa: UP031 - once a record


def number(value: bytes) -> int:
    """A header that is a count; 0 when it is not."""
    return int(value) if value.isdigit() else 0


def seconds(text: str) -> float:
    """A header that is a time; 0 when it is not."""
    try:
        return float(text)
    except ValueError:
        return 0.0
