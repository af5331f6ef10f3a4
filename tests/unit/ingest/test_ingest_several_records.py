"""A delivery of several alerts: each is a record of its own, and none of them is lost for another's sake."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from ingest.agent import build_app
from ingest.core.authenticity import check_token
from ingest.core.outcomes import Ignored, Malformed, RefusedDelivery
from ingest.core.source import AlertSource, Reading, RequestHeaders, WebhookDelivery
from ingest.ports import IngestPorts
from ingest.settings import Ingest
from kfix.engine.topics import Topic
from schemas import errors
from schemas.alerts import Alert, RawAlert
from schemas.base import Record
from tests.support.ingest import NOW, Kept


class Lists:
    """A source whose payload lists alerts: ``titles``; an empty title cannot be read, ``huge`` cannot travel."""

    def credentials(self, headers: RequestHeaders, now_s: float) -> RefusedDelivery | None:
        return check_token(headers.getlist("x-token"), ["right"])

    def read(self, delivery: WebhookDelivery) -> Reading:
        titles = delivery.document["titles"]
        if titles == ["not ours"]:
            return Ignored("other_event")
        return tuple(self._record(title, delivery) for title in titles)

    def _record(self, title: str, delivery: WebhookDelivery) -> Record | Malformed:
        if not title:
            return Malformed("nothing_to_go_on", "no title")
        return RawAlert(
            event_id=f"list-{title}",
            occurred_at=delivery.received_at,
            source="lists",
            body_sha256="",
            body=delivery.plain,
            alert=Alert(source="lists", title=title),
        )


SOURCE = AlertSource(
    name="lists",
    title="Lists",
    path="/lists",
    writes=RawAlert,
    receiver=Lists(),
    summary="",
    authentication="",
    examples={},
    kept_headers=("x-kept",),
)


@dataclass
class Short(Kept):
    """A publisher whose broker goes away after ``lasts`` records, and that cannot take ``huge`` ones."""

    lasts: int = 100
    letters_away: bool = False

    async def send(self, record: Record) -> None:
        if record.event_id.endswith("huge"):
            raise errors.Defect("too large", reason="unencodable")
        self.away = len(self.records) >= self.lasts
        await super().send(record)

    async def dead_letter(self, topic: Topic[Any], raw: bytes, **said: Any) -> None:
        self.away = self.letters_away
        await super().dead_letter(topic, raw, **said)


@asynccontextmanager
async def door(kept: Kept) -> AsyncIterator[httpx.AsyncClient]:
    ports = IngestPorts(Ingest(failures_per_minute=0), (SOURCE,), lambda: NOW)
    transport = httpx.ASGITransport(build_app(ports, kept))
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        yield client


async def posted(kept: Kept, *titles: str) -> tuple[int, dict[str, Any]]:
    async with door(kept) as client:
        headers = {"x-token": "right", "x-kept": "yes", "content-type": "application/json"}
        body = json.dumps({"titles": titles}).encode()
        answer = await client.post("/lists", content=body, headers=headers)
        return answer.status_code, answer.json()


def ids(kept: Kept) -> list[str]:
    return [record.event_id for record in kept.records]


async def test_each_alert_is_a_record_of_its_own() -> None:
    kept = Short()
    status, said = await posted(kept, "a", "b", "c")
    assert (status, said["result"], said["delivery"]) == (202, "accepted", "list-a")
    assert ids(kept) == ["list-a", "list-b", "list-c"]


async def test_a_broker_that_goes_away_in_the_middle_makes_the_sender_repeat_all_of_it() -> None:
    kept = Short(lasts=1)
    status, said = await posted(kept, "a", "b")
    assert (status, said["reason"]) == (503, "broker_away")
    kept.lasts = 100
    assert (await posted(kept, "a", "b"))[0] == 202
    assert ids(kept) == ["list-a", "list-a", "list-b"], "the repeated one has the id it had"


async def test_what_cannot_be_read_is_kept_once_and_the_rest_goes_on() -> None:
    kept = Short()
    status, said = await posted(kept, "", "a", "", "b")
    assert (status, said["result"], said["reason"]) == (202, "accepted", "nothing_to_go_on")
    assert ids(kept) == ["list-a", "list-b"]
    ((topic, _, reason, headers),) = kept.letters
    assert (topic, reason, headers["x-kept"]) == ("alerts.raw", "nothing_to_go_on", "yes")


async def test_what_cannot_travel_is_kept_and_the_rest_goes_on() -> None:
    kept = Short()
    status, said = await posted(kept, "huge", "a")
    assert (status, said["reason"], ids(kept)) == (202, "unencodable", ["list-a"])
    assert [reason for _, _, reason, _ in kept.letters] == ["unencodable"]


async def test_nothing_is_accepted_while_what_is_broken_cannot_be_kept() -> None:
    kept = Short(letters_away=True)
    status, said = await posted(kept, "a", "")
    assert (status, said["reason"]) == (503, "broker_away")


async def test_a_delivery_of_which_nothing_can_be_read_is_a_dead_letter() -> None:
    kept = Short()
    status, said = await posted(kept, "", "")
    assert (status, said["result"], ids(kept)) == (202, "dead_lettered", [])
    assert len(kept.letters) == 1


async def test_what_is_not_for_us_and_what_is_empty_are_ignored() -> None:
    kept = Short()
    for titles in (["not ours"], []):
        status, said = await posted(kept, *titles)
        assert (status, said["result"]) == (200, "ignored")
    assert kept.nothing
