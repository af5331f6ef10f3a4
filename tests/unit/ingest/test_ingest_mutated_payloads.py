"""R13: mutated authentic payloads never crash the door; each is stored as a record or kept with a reason."""

from __future__ import annotations

import json
import random
from typing import get_args

from ingest.core.outcomes import Indifference, Malformation
from ingest.sources.datadog.examples import DATADOG_KFIX, DATADOG_NATIVE
from ingest.sources.gitlab.examples import GITLAB_MERGED, GITLAB_NOTE
from kfix.engine import topics
from kfix.engine.wire import codec_for
from kfix.infra.settings import Kafka
from tests.support.ingest import GITLAB_TOKEN, opened

DATADOG = [json.dumps(p).encode() for p in (DATADOG_KFIX, DATADOG_NATIVE)]
GITLAB = [json.dumps(p).encode() for p in (GITLAB_MERGED, GITLAB_NOTE)]
TYPES = [
    "application/json",
    "application/x-www-form-urlencoded",
    "text/plain",
    "",
    "x/y; charset=utf-16",
]
VALUES = [
    "null",
    "true",
    "[]",
    "{}",
    "-1",
    "1e400",
    "NaN",
    "9" * 30,
    '"\\ud800"',
    '"$TAGS"',
    '"\x01"',
    "[[[]]]",
    '"' + "é" * 5000 + '"',
]


def mutated(body: bytes, chance: random.Random) -> bytes:
    """One or two edits: bytes, cuts, repeats, and values put in the place of others."""
    for _ in range(chance.randint(1, 2)):
        kind = chance.randrange(12)
        at = chance.randrange(len(body) + 1)
        if kind == 0:
            body = body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
        elif kind == 1:
            body = body[:at]
        elif kind == 2:
            body = body[:at] + body[at : at + 40] + body[at:]
        elif kind == 3:
            body = body[:at] + body[at + chance.randint(1, 20) :]
        else:
            parts = body.split(b": ")
            spot = chance.randrange(len(parts))
            _, comma, rest = parts[spot].partition(b", ")
            parts[spot] = chance.choice(VALUES).encode() + comma + rest
            body = b": ".join(parts)
    return body


async def test_a_thousand_mutations_end_as_record_or_dead_letter_with_a_reason() -> None:
    chance = random.Random(20261124)
    codecs = [codec_for(Kafka(format=form)) for form in ("json", "avro")]
    counts = {202: 0, 200: 0}
    async with opened() as door:
        for number in range(1_000):
            to_gitlab = number % 2 == 1
            body = mutated(chance.choice(GITLAB if to_gitlab else DATADOG), chance)
            content_type = chance.choice(TYPES)
            if to_gitlab:
                headers = {"X-Gitlab-Token": GITLAB_TOKEN, "content-type": content_type}
                answer = await door.gitlab(body, headers)
            else:
                answer = await door.datadog(body, content_type=content_type)
            assert answer.status_code in counts, (number, answer.text)
            counts[answer.status_code] += 1
            said = answer.json()
            if said["result"] == "dead_lettered":
                assert said["reason"] in get_args(Malformation)
                assert door.kept.letters[-1][1] == body
            elif said["result"] == "ignored":
                assert to_gitlab
                assert said["reason"] in get_args(Indifference)
        kept = door.kept
        ignored = counts[200]
        assert len(kept.records) + len(kept.letters) + ignored == 1_000
        assert len(kept.records) > 200
        assert len(kept.letters) > 200
        for record in kept.records:
            topic = topics.BY_MODEL[type(record)]
            for codec in codecs:
                assert codec.decode(topic, codec.encode(record), codec.headers) == record
