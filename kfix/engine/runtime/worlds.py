"""What ports answer while a decision is made is noted with the decision, and told again when it is made again.

    book = Notebook(basis)
    files = await book.heard("repository", question, inner.propose(...), written)   # asks, notes, passes on
    record.model_copy(update={"world": book.world()})

    told = Told(record.world)
    told.answer("repository", question)   # the same answer, or the same failure

Questions are known by a digest of their content, answers are JSON, failures are noted by type, reason and message. A
question that was asked twice has its answers in that order. One that was never asked has none: ``NeverAsked`` is
raised, and ``never_asked`` remembers it, since a check makes of a failing port an ``unknown`` of its own.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Generic, TypeVar, cast

import orjson

from schemas import errors
from schemas.base import Json, Record
from schemas.worlds import World

T = TypeVar("T")
P = TypeVar("P")
#: Bytes of a world at most, compressed. A decision of the demo company has 1,000 to 3,000.
MOST_BYTES = 64 * 1024
#: Bytes that compressed notes may come to: more are none of ours.
_MOST_OPENED = 8 * 1024 * 1024
_TIMED_OUT = "TimeoutError"


class NeverAsked(errors.Defect):
    """The world of then has no answer, since nobody asked this question then."""

    reason = "never_asked"


class NotKept(errors.Rejected):
    """The record says nothing of its world: it is of an older version, or its world was left out."""

    reason = "world_not_kept"


class Notebook:
    """Notes what was heard while one decision is made. ``basis``: what it is decided by, as JSON by name."""

    def __init__(self, basis: Mapping[str, Json]) -> None:
        self._basis = basis
        self._heard: list[tuple[str, object, Json]] = []

    async def heard(
        self, port: str, question: object, answer: Awaitable[T], written: Callable[[T], Json]
    ) -> T:
        """The answer, noted as ``written`` says; what is raised is noted and raised."""
        try:
            found = await answer
        except asyncio.CancelledError:
            self._heard.append((port, question, {"failed": [_TIMED_OUT, "", ""]}))
            raise
        except Exception as failure:
            self._heard.append((port, question, {"failed": _noted(failure)}))
            raise
        self.note(port, question, written(found))
        return found

    def note(self, port: str, question: object, answer: Json) -> None:
        """Notes an answer that was there at once."""
        self._heard.append((port, question, {"said": answer}))

    def world(self) -> World:
        """Everything so far, as a record carries it. Never raises: what cannot be kept is left out, which the world says."""
        said: dict[str, dict[str, list[Json]]] = {}
        try:
            for port, question, answer in self._heard:
                said.setdefault(port, {}).setdefault(_digest(question), []).append(answer)
            notes = zlib.compress(_dumped({"basis": self._basis, "said": said}), 9)
        except (TypeError, ValueError):
            return World(left_out="unwritable")
        return World(notes=notes) if len(notes) <= MOST_BYTES else World(left_out="too_large")


class Told:
    """Answers from what was noted. Raises NotKept without notes, errors.Undecodable when they cannot be read."""

    def __init__(self, world: World) -> None:
        if not world.notes:
            why = world.left_out.replace("_", " ") or "the record is of an older version"
            raise NotKept(f"its world was not kept: {why}")
        opened = _opened(world.notes)
        #: What was decided by then.
        self.basis: Mapping[str, Json] = opened["basis"]
        self._said: dict[str, dict[str, list[Json]]] = opened["said"]
        #: Questions without an answer, as people call them.
        self.never_asked: list[str] = []

    def has(self, port: str, question: object) -> bool:
        """Was this question asked then?"""
        return bool(self._said.get(port, {}).get(_digest(question)))

    def answer(self, port: str, question: object, about: str = "") -> Json:
        """The next answer of then, the last one for good. ``about``: what is asked about, for people.

        Raises the failure of then, or NeverAsked.
        """
        answers = self._said.get(port, {}).get(_digest(question))
        if not answers:
            called = f"{port} about {about}" if about else port
            self.never_asked.append(called)
            raise NeverAsked(f"never asked then: {called}")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if "failed" in answer:
            raise _failure(*answer["failed"])
        return answer["said"]


@dataclass(frozen=True, slots=True)
class Past(Generic[P]):
    """A stage's ports in the world of one decision, what they tell, and what is decided by today."""

    ports: P
    told: Told
    basis: Mapping[str, Json]


def without_notes(record: Record) -> Record:
    """The record as it is sent where there is no room for the notes of its world."""
    if "world" not in type(record).model_fields:
        return record
    return record.model_copy(update={"world": World(left_out="too_large")})


def _dumped(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def _digest(question: object) -> str:
    return sha256(_dumped(question)).hexdigest()[:16]


def _opened(notes: bytes) -> dict[str, Any]:
    opener = zlib.decompressobj()
    try:
        text = opener.decompress(notes, _MOST_OPENED)
        if opener.unconsumed_tail or not opener.eof:
            raise ValueError("cut short, or too long")
        opened = orjson.loads(text)
        return {"basis": dict(opened["basis"]), "said": dict(opened["said"])}
    except (zlib.error, ValueError, TypeError, KeyError) as failure:
        raise errors.Undecodable(f"the notes of its world cannot be read: {failure}") from failure


def _noted(failure: Exception) -> list[str]:
    """The nearest type of ``schemas.errors``, reason and message; of a stranger its name alone."""
    if not isinstance(failure, errors.KFixError):
        return [type(failure).__name__, "", ""]
    kinds = (kind.__name__ for kind in type(failure).__mro__ if kind.__module__ == errors.__name__)
    return [next(kinds), failure.reason, str(failure)]


def _failure(kind: str, reason: str, message: str) -> Exception:
    """What was raised then, as far as anybody looks at it."""
    if kind == _TIMED_OUT:
        return TimeoutError()
    if reason:
        known: type[errors.KFixError] = getattr(errors, kind, errors.KFixError)
        return known(message, reason=reason)
    return cast(Exception, type(kind, (Exception,), {})())
