"""Records that did not get through: headers of a retry record and of a dead letter. Pure.

Both keep the original key, bytes and headers; what is added says where the record came from, what happened and when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from kfix.engine.runtime import headers as hd
from schemas import errors
from schemas.dead_letters import DeadLetter

#: Characters of a failure's message; enough to know it again, too short to carry a payload.
MESSAGE_MAX = 1000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record was first read: topic (without prefix), partition, offset, and when it was first seen."""

    topic: str
    partition: int
    offset: int
    first_seen: str

    @classmethod
    def of(cls, inbound: Mapping[str, str], here: Origin) -> Origin:
        """The origin a retried record carries, or ``here`` for one that comes from its own topic."""
        if hd.TOPIC not in inbound:
            return here
        return cls(
            inbound[hd.TOPIC],
            _number(inbound.get(hd.PARTITION, "")),
            _number(inbound.get(hd.OFFSET, "")),
            inbound.get(hd.FIRST_SEEN, here.first_seen),
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, in words that are safe to store: ``message`` is masked and capped."""

    error: str
    reason: str
    message: str

    @classmethod
    def of(cls, failure: BaseException, mask: Callable[[str], str]) -> Failure:
        """From an exception; foreign ones count as our defect."""
        reason = failure.reason if isinstance(failure, errors.KFixError) else errors.Defect.reason
        return cls(type(failure).__name__, reason, capped(mask(str(failure))))


def capped(message: str) -> str:
    """At most ``MESSAGE_MAX`` characters."""
    return message if len(message) <= MESSAGE_MAX else message[: MESSAGE_MAX - 1] + "…"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1


def _kept(inbound: Mapping[str, str]) -> hd.Headers:
    return {name: value for name, value in inbound.items() if name not in hd.OF_FAILURE}


def retry_headers(
    inbound: Mapping[str, str],
    *,
    stage: str,
    origin: Origin,
    failure: Failure,
    attempt: int,
    round_: int,
    due: float,
) -> hd.Headers:
    """Headers of a record that waits in ``<topic>.retry`` until ``due`` (Unix seconds)."""
    return _kept(inbound) | {
        hd.STAGE: stage,
        hd.TOPIC: origin.topic,
        hd.PARTITION: str(origin.partition),
        hd.OFFSET: str(origin.offset),
        hd.FIRST_SEEN: origin.first_seen,
        hd.ERROR: failure.error,
        hd.REASON: failure.reason,
        hd.MESSAGE: failure.message,
        hd.ATTEMPT: str(attempt),
        hd.ROUND: str(round_),
        hd.DUE: f"{due:.3f}",
    }


def dead_headers(
    inbound: Mapping[str, str],
    *,
    stage: str,
    version: str,
    origin: Origin,
    failure: Failure,
    attempt: int,
) -> hd.Headers:
    """Headers of a record in ``<topic>.dlq``."""
    return _kept(inbound) | {
        hd.STAGE: f"{stage}@{version}",
        hd.TOPIC: origin.topic,
        hd.PARTITION: str(origin.partition),
        hd.OFFSET: str(origin.offset),
        hd.FIRST_SEEN: origin.first_seen,
        hd.ERROR: failure.error,
        hd.REASON: failure.reason,
        hd.MESSAGE: failure.message,
        hd.ATTEMPT: str(attempt),
    }


def letter_of(
    dead: Mapping[str, str],
    *,
    event_id: str,
    at: datetime,
    size: int,
    about: Mapping[str, str],
) -> DeadLetter:
    """The word that people get of a dead letter. ``about``: fields that say whom it is about, as far as that is known."""
    return DeadLetter(
        event_id=event_id,
        trace_id=hd.trace_of(dead.get(hd.TRACEPARENT, "")) or "",
        occurred_at=at,
        topic=dead[hd.TOPIC],
        partition=_number(dead[hd.PARTITION]),
        offset=_number(dead[hd.OFFSET]),
        stage=dead[hd.STAGE].partition("@")[0],
        error=dead[hd.ERROR],
        reason=dead[hd.REASON],
        message=dead[hd.MESSAGE],
        first_seen=_instant(dead[hd.FIRST_SEEN], at),
        size=size,
        **{"incident_id": dead.get(hd.INCIDENT, ""), **about},
    )


def _instant(text: str, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return otherwise


def revived_headers(dead: Mapping[str, str], *, stage: str, due: float) -> hd.Headers:
    """Headers of a dead letter on its way again: its failure forgotten, its origin and first sight kept."""
    return _kept(dead) | {
        hd.STAGE: stage,
        hd.TOPIC: dead.get(hd.TOPIC, ""),
        hd.PARTITION: dead.get(hd.PARTITION, ""),
        hd.OFFSET: dead.get(hd.OFFSET, ""),
        hd.FIRST_SEEN: dead.get(hd.FIRST_SEEN, ""),
        hd.ATTEMPT: "0",
        hd.ROUND: "0",
        hd.DUE: f"{due:.3f}",
    }
