"""What ports answered is told again: answers in their order, failures by their kind, and nothing that was never asked."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from kfix.engine import topics
from kfix.engine.runtime.sending import Sender
from kfix.engine.runtime.worlds import MOST_BYTES, NeverAsked, Notebook, NotKept, Told
from kfix.engine.wire import codec_for
from kfix.infra.settings import Kafka
from schemas import errors
from schemas.plans import CandidatePlans, IncidentContext
from schemas.worlds import World

NOW = datetime(2026, 3, 1, tzinfo=UTC)


async def said(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


async def noted(*answers: Any) -> Told:
    book = Notebook({"rules": "r1"})
    for answer in answers:
        with suppress(errors.KFixError, KeyError):
            await book.heard("files", {"path": "a"}, said(answer), lambda found: found)
    return Told(book.world())


async def test_a_question_that_was_asked_twice_has_both_answers_and_then_the_last() -> None:
    told = await noted([1], [2])
    assert [told.answer("files", {"path": "a"}) for _ in range(3)] == [[1], [2], [2]]
    assert told.basis == {"rules": "r1"}
    assert told.never_asked == []


@pytest.mark.parametrize("question", [{"path": "b"}, {"path": ["a"]}, None])
async def test_what_was_never_asked_has_no_answer_and_is_remembered(question: Any) -> None:
    told = await noted("yes")
    with pytest.raises(NeverAsked, match="never asked then: files about b"):
        told.answer("files", question, "b")
    with pytest.raises(NeverAsked):
        told.answer("people", {"path": "a"})
    assert told.never_asked == ["files about b", "people"]


class Refusal(errors.Rejected):
    """A kind that only its client knows."""

    reason = "refusal"


@pytest.mark.parametrize(
    ("failure", "kind", "reason"),
    [
        (errors.Unavailable("away"), errors.Unavailable, "unavailable"),
        (errors.RateLimited("slowly", retry_after_s=3), errors.RateLimited, "rate_limited"),
        (errors.Unavailable("what", reason="malformed"), errors.Unavailable, "malformed"),
        (Refusal("no"), errors.Rejected, "refusal"),
    ],
)
async def test_a_failure_is_raised_again_as_the_kind_that_decides(
    failure: errors.KFixError, kind: type[errors.KFixError], reason: str
) -> None:
    told = await noted(failure)
    with pytest.raises(kind) as raised:
        told.answer("files", {"path": "a"})
    assert (str(raised.value), raised.value.reason) == (str(failure), reason)
    assert told.never_asked == []


async def test_a_failure_of_no_kind_of_ours_keeps_its_name_alone() -> None:
    told = await noted(KeyError("a secret"))
    with pytest.raises(Exception, match=r"^$") as raised:
        told.answer("files", {"path": "a"})
    assert type(raised.value).__name__ == "KeyError"
    assert not isinstance(raised.value, errors.KFixError)


async def test_who_was_given_up_on_is_late_again() -> None:
    book = Notebook({})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await book.heard("files", 1, asyncio.sleep(60), lambda found: found)
    with pytest.raises(TimeoutError):
        Told(book.world()).answer("files", 1)


@pytest.mark.parametrize(
    ("answer", "left_out"),
    [
        ([orjson.dumps(n).hex() * 7 + str(hash((n, "x"))) for n in range(20_000)], "too_large"),
        (object(), "unwritable"),
        ("\ud800", "unwritable"),
    ],
)
def test_what_cannot_be_kept_is_left_out_and_says_so(answer: Any, left_out: str) -> None:
    book = Notebook({})
    book.note("files", 1, answer)
    world = book.world()
    assert (world.notes, world.left_out) == (None, left_out)
    with pytest.raises(NotKept, match=f"its world was not kept: {left_out.replace('_', ' ')}"):
        Told(world)


def test_a_kept_world_is_bounded() -> None:
    book = Notebook({})
    book.note("files", 1, "a" * 1_000_000)
    assert 0 < len(book.world().notes or b"") <= MOST_BYTES


@pytest.mark.parametrize(
    "notes",
    [
        b"no zlib",
        zlib.compress(b"no json"),
        zlib.compress(b"[]"),
        zlib.compress(b'{"basis": {}}'),
        zlib.compress(b'{"basis": {}, "said": {}}')[:-3],
        zlib.compress(b" " * 9_000_000 + b'{"basis": {}, "said": {}}'),
    ],
)
def test_notes_that_are_none_are_refused(notes: bytes) -> None:
    with pytest.raises(errors.Undecodable, match="cannot be read"):
        Told(World(notes=notes))


def record(world: World) -> CandidatePlans:
    return CandidatePlans(
        event_id="e",
        occurred_at=NOW,
        incident_id="i",
        fingerprint="f",
        status="no_action",
        context=IncidentContext(alerted_at=NOW),
        world=world,
    )


def test_a_record_that_is_too_large_with_its_world_goes_without() -> None:
    book = Notebook({})
    book.note("files", 1, "a")
    codec = codec_for(Kafka(_env_file=None))
    whole, bare = record(book.world()), record(World(left_out="too_large"))
    most = len(codec.encode(bare))
    for max_bytes, sent in ((len(codec.encode(whole)), whole), (most, bare)):
        sender = Sender(
            "decide",
            [topics.PLANS_CANDIDATE],
            codec=codec,
            producer=None,  # type: ignore[arg-type]
            max_bytes=max_bytes,
        )
        _, _, value, _ = sender.prepare(whole, trace=b"")
        assert codec.decode(topics.PLANS_CANDIDATE, value) == sent
    small = Sender(
        "decide",
        [topics.PLANS_CANDIDATE],
        codec=codec,
        producer=None,  # type: ignore[arg-type]
        max_bytes=most - 1,
    )
    with pytest.raises(errors.Rejected, match="are allowed"):
        small.prepare(whole, trace=b"")


@pytest.mark.parametrize("form", ["json", "avro"])
def test_a_world_travels_with_its_record_and_older_records_have_none(form: str) -> None:
    codec = codec_for(Kafka(_env_file=None, format=form))
    book = Notebook({"rules": "r1"})
    book.note("files", 1, ["é"])
    for world in (book.world(), World()):
        sent = record(world)
        read = codec.decode(topics.PLANS_CANDIDATE, codec.encode(sent), codec.headers)
        assert isinstance(read, CandidatePlans)
        assert read.world == world
    old = record(World()).model_dump_json(exclude={"world"}).encode()
    found = codec_for(Kafka(_env_file=None)).decode(topics.PLANS_CANDIDATE, old)
    assert isinstance(found, CandidatePlans)
    with pytest.raises(NotKept, match="of an older version"):
        Told(found.world)
