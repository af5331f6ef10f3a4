"""R12: forged requests over real HTTP leave no record, get the right status, and no secret is logged."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from ingest.core.failures import Excess, Failures
from ingest.sources.datadog.examples import DATADOG_KFIX
from ingest.sources.gitlab.examples import GITLAB_MERGED
from tests.support.ingest import GITLAB_TOKEN, NOW, SIGNING_TOKEN, TOKEN, Open, opened

ALERT = json.dumps(DATADOG_KFIX).encode()
MERGED = json.dumps(GITLAB_MERGED).encode()
WRONG = "not-the-token-0000000000"
Headers = list[tuple[str, str]]


def signed(
    body: bytes, *, at_s: float = 0, message: str = "msg_1", key: str = SIGNING_TOKEN
) -> dict[str, str]:
    """Signed by the reference implementation of Standard Webhooks."""
    from datetime import timedelta

    at = NOW + timedelta(seconds=at_s)
    signature = Webhook(key).sign(message, at, body.decode("latin-1"))
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


BOMB = gzip.compress(b"0" * 50_000_000)
BODIES = {
    "a plain alert": ALERT,
    "a truncated body": ALERT[:40],
    "UTF-16": json.dumps(DATADOG_KFIX).encode("utf-16"),
    "a NUL byte": ALERT[:-1] + b"\x00}",
    "duplicate keys": b'{"id":"1","id":"2","title":"x"}',
    "ten thousand levels": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "NaN": b'{"title":"x","value":NaN}',
    "a huge integer": b'{"title":"x","id":' + b"9" * 20_000 + b"}",
    "an oversized body": b"{" + b" " * 200_000 + b"}",
    "nothing": b"",
}
DATADOG_HEADERS: dict[str, Headers] = {
    "no token": [],
    "an empty token": [("X-KFix-Token", "")],
    "a wrong token": [("X-KFix-Token", WRONG)],
    "a prefix of the token": [("X-KFix-Token", TOKEN[:-1])],
    "the token and more": [("X-KFix-Token", TOKEN + "x")],
    "another case": [("X-KFix-Token", TOKEN.upper())],
    "two tokens, one right": [("X-KFix-Token", TOKEN), ("X-KFix-Token", WRONG)],
    "two right tokens": [("X-KFix-Token", TOKEN), ("X-KFix-Token", TOKEN)],
    "two in one header": [("X-KFix-Token", f"{TOKEN}, {WRONG}")],
    "the token in another header": [("Authorization", f"Bearer {TOKEN}")],
    "GitLab's token": [("X-KFix-Token", GITLAB_TOKEN)],
    "bytes that are no ASCII": [("X-KFix-Token", "jét\xf6n")],
}


def gitlab_forgeries() -> dict[str, tuple[bytes, Headers]]:
    def of(headers: dict[str, str], **changes: str) -> Headers:
        return list((headers | changes).items())

    good = signed(MERGED)
    other_key = "whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    return {
        "no credentials": (MERGED, []),
        "an empty token": (MERGED, [("X-Gitlab-Token", "")]),
        "a wrong token": (MERGED, [("X-Gitlab-Token", WRONG)]),
        "two tokens": (MERGED, [("X-Gitlab-Token", GITLAB_TOKEN), ("X-Gitlab-Token", WRONG)]),
        "Datadog's token": (MERGED, [("X-Gitlab-Token", TOKEN)]),
        "a stale timestamp": (MERGED, of(signed(MERGED, at_s=-301))),
        "a future timestamp": (MERGED, of(signed(MERGED, at_s=301))),
        "a moved timestamp": (
            MERGED,
            of(good, **{"webhook-timestamp": str(int(NOW.timestamp()) + 1)}),
        ),
        "another id": (MERGED, of(good, **{"webhook-id": "msg_2"})),
        "an empty id": (MERGED, of(good, **{"webhook-id": ""})),
        "re-serialised JSON": (json.dumps(GITLAB_MERGED, indent=1).encode(), of(good)),
        "one byte changed": (MERGED.replace(b"merged", b"closed"), of(good)),
        "a truncated signed body": (MERGED[:-1], of(good)),
        "another key": (MERGED, of(signed(MERGED, key=other_key))),
        "no id": (MERGED, [h for h in of(good) if h[0] != "webhook-id"]),
        "no timestamp": (MERGED, [h for h in of(good) if h[0] != "webhook-timestamp"]),
        "a timestamp that is none": (MERGED, of(good, **{"webhook-timestamp": "now"})),
        "a timestamp with a sign": (MERGED, of(good, **{"webhook-timestamp": "-1"})),
        "an endless timestamp": (MERGED, of(good, **{"webhook-timestamp": "9" * 400})),
        "an empty signature": (MERGED, of(good, **{"webhook-signature": ""})),
        "another version": (
            MERGED,
            of(good, **{"webhook-signature": good["webhook-signature"].replace("v1,", "v0,")}),
        ),
        "no base64": (MERGED, of(good, **{"webhook-signature": "v1,***"})),
        "half a signature": (
            MERGED,
            of(good, **{"webhook-signature": good["webhook-signature"][:20]}),
        ),
        "two signature headers": (
            MERGED,
            [*of(good), ("webhook-signature", good["webhook-signature"])],
        ),
        "two ids": (MERGED, [*of(good), ("webhook-id", "msg_1")]),
        "a bad signature beside a good token": (
            MERGED,
            [*of(good, **{"webhook-id": "msg_9"}), ("X-Gitlab-Token", GITLAB_TOKEN)],
        ),
        "an oversized signed body": (b"{" + b" " * 200_000 + b"}", of(good)),
    }


def forgeries() -> Iterator[tuple[str, str, bytes, Headers]]:
    for name, headers in DATADOG_HEADERS.items():
        yield f"datadog: {name}", "/datadog-webhook", ALERT, headers
    for name, body in BODIES.items():
        yield (
            f"datadog: {name} with a wrong token",
            "/datadog-webhook",
            body,
            [("X-KFix-Token", WRONG)],
        )
    yield (
        "datadog: a gzip bomb with a wrong token",
        "/datadog-webhook",
        BOMB,
        [("X-KFix-Token", WRONG), ("content-encoding", "gzip")],
    )
    for name, (body, headers) in gitlab_forgeries().items():
        yield f"gitlab: {name}", "/gitlab-webhook", body, headers


FORGERIES = {name: rest for name, *rest in forgeries()}


def test_there_are_at_least_forty_forgeries() -> None:
    assert len(FORGERIES) >= 40


#: The door closed with most of the body unread, so the kernel may cut the answer off; only for bodies it never reads.
RESET = 0


async def raw_post(door: Open, path: str, body: bytes, headers: Headers) -> tuple[int, str]:
    """As bytes on a socket: no client library corrects what is sent."""
    where = urlsplit(door.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", "Connection: close"]
    head += [f"{name}: {value}" for name, value in headers]
    try:
        writer.write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)
        await writer.drain()
    except ConnectionError:
        pass  # answered and closed before the body was sent
    try:
        answer = (await asyncio.wait_for(reader.read(), 5)).decode()
    except ConnectionResetError:
        return RESET, ""
    writer.close()
    return int(answer.split(" ")[1]), answer


async def test_forged_requests_are_refused_and_leave_nothing(door: Open) -> None:
    for name, (path, body, headers) in FORGERIES.items():
        with capture_logs() as logs:
            status, answer = await raw_post(door, path, body, headers)
        assert status == 401 or (status == RESET and len(body) > 64 * 1024), name
        assert door.kept.nothing, name
        said = answer + json.dumps(logs)
        assert not any(secret in said for secret in (TOKEN, GITLAB_TOKEN, SIGNING_TOKEN, WRONG)), (
            name
        )
        assert logs[0]["event"] == "webhook.refused", name


async def test_the_same_requests_unforged_are_accepted(door: Open) -> None:
    assert (await raw_post(door, "/datadog-webhook", ALERT, [("X-KFix-Token", TOKEN)]))[0] == 202
    headers = list(signed(MERGED).items())
    assert (await raw_post(door, "/gitlab-webhook", MERGED, headers))[0] == 202
    assert len(door.kept.records) == 2


async def test_a_replayed_delivery_has_the_event_id_of_the_first(door: Open) -> None:
    for _ in range(2):
        assert (await door.gitlab(MERGED, signed(MERGED))).status_code == 202
        assert (await door.datadog(ALERT)).status_code == 202
    assert len(door.kept.records) == 4
    assert len({record.event_id for record in door.kept.records}) == 2


async def test_a_body_that_ends_early_is_no_delivery(door: Open) -> None:
    where = urlsplit(door.url)
    _, writer = await asyncio.open_connection(where.hostname, where.port)
    head = f"POST /datadog-webhook HTTP/1.1\r\nHost: x\r\nX-KFix-Token: {TOKEN}\r\nContent-Length: 999\r\n\r\n"
    writer.write(head.encode() + ALERT[:50])
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.1)
    assert door.kept.nothing


async def test_a_body_that_drips_is_given_up() -> None:
    async with opened(body_timeout_s=0.2) as door:
        where = urlsplit(door.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        head = f"POST /datadog-webhook HTTP/1.1\r\nHost: x\r\nX-KFix-Token: {TOKEN}\r\nContent-Length: 99\r\n\r\n"
        writer.write(head.encode() + b"{")
        answer = await asyncio.wait_for(reader.read(200), 5)
        writer.close()
        assert b" 408 " in answer
        assert door.kept.nothing


@pytest.mark.parametrize("field", ["datadog_tokens", "gitlab_tokens"])
async def test_without_a_configured_token_everything_is_refused(field: str) -> None:
    async with opened(**{field: (), "gitlab_signing_tokens": ()}) as door:
        if field == "datadog_tokens":
            answer = await door.datadog(ALERT, token="")
        else:
            answer = await door.gitlab(MERGED, {"X-Gitlab-Token": ""})
        assert answer.status_code == 401
        assert answer.json()["reason"] == "no_token_configured"


async def test_an_oversized_signed_body_is_verified_and_its_start_is_kept(door: Open) -> None:
    """Nobody's message is refused, an authentic one is a dead letter: never lost, never held whole."""
    large = b"{" + b" " * 300_000 + b"}"
    answer = await door.gitlab(large, signed(large))
    assert (answer.status_code, answer.json()["reason"]) == (202, "too_large")
    ((topic, raw, reason, headers),) = door.kept.letters
    assert (topic, reason, headers["webhook-id"]) == ("mr.events", "too_large", "msg_1")
    assert large.startswith(raw)
    assert len(raw) <= 256 * 1024
    forged = await door.gitlab(large + b" ", signed(large))
    assert (forged.status_code, forged.json()["reason"]) == (401, "signature_wrong")
    assert len(door.kept.letters) == 1


async def test_a_signed_body_past_every_bound_is_told_so() -> None:
    async with opened(max_signed_bytes=100_000) as door:
        large = b"{" + b" " * 100_000 + b"}"
        answer = await door.gitlab(large, signed(large))
        assert answer.status_code == 413
        assert answer.json() == {
            "result": "refused",
            "reason": "too_large",
            "delivery": "",
            "detail": "a signed body of more than 100000 bytes is not verified",
        }
        assert door.kept.nothing


async def test_a_stale_signature_is_refused_before_its_body_is_read(door: Open) -> None:
    where = urlsplit(door.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = ["POST /gitlab-webhook HTTP/1.1", "Host: x", "Content-Length: 999999"]
    head += [f"{name}: {value}" for name, value in signed(MERGED, at_s=-900).items()]
    writer.write("\r\n".join(head).encode() + b"\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(2000), 5)
    writer.close()
    assert b" 401 " in answer
    assert b"signature_stale" in answer


async def test_too_many_failures_get_429_and_the_authentic_never_do() -> None:
    async with opened(failures_per_minute=3) as door:
        with capture_logs() as logs:
            statuses = [(await door.datadog(ALERT, WRONG)).status_code for _ in range(6)]
            limited = await door.datadog(ALERT, WRONG)
        assert statuses == [401, 401, 401, 429, 429, 429]
        assert int(limited.headers["retry-after"]) in range(1, 61)
        assert limited.json()["reason"] == "too_many_failures"
        refused = [entry["reason"] for entry in logs if entry["event"] == "webhook.refused"]
        assert refused == ["token_wrong"] * 3 + ["too_many_failures"]  # told once
        storm = [door.datadog(ALERT) for _ in range(40)]
        assert {answer.status_code for answer in await asyncio.gather(*storm)} == {202}
        assert (await door.gitlab(MERGED, signed(MERGED))).status_code == 202
        assert len(door.kept.records) == 41


def test_an_address_earns_its_failures_back_evenly() -> None:
    failures = Failures(per_minute=6)
    assert [failures.failed("192.0.2.1", 0.0) for _ in range(6)] == [None] * 6
    first, again = failures.failed("192.0.2.1", 0.0), failures.failed("192.0.2.1", 5.0)
    assert first == Excess(10, first=True)
    assert again == Excess(5, first=False)
    assert failures.failed("192.0.2.1", 10.0) is None
    assert failures.failed("192.0.2.1", 10.0) == Excess(10, first=True)
    assert [failures.failed("192.0.2.1", 1000.0) for _ in range(6)] == [None] * 6


def test_addresses_do_not_count_for_each_other_but_one_hosts_network_does() -> None:
    failures = Failures(per_minute=1)
    assert failures.failed("192.0.2.1", 0.0) is None
    assert failures.failed("192.0.2.2", 0.0) is None
    assert failures.failed("2001:db8::1", 0.0) is None
    assert failures.failed("2001:db8::ffff", 0.0) is not None
    assert failures.failed("2001:db8:0:1::1", 0.0) is None
    assert failures.failed("not an address", 0.0) is None
    assert [Failures(0).failed("192.0.2.1", 0.0) for _ in range(99)] == [None] * 99


def test_what_is_remembered_of_addresses_is_bounded() -> None:
    failures = Failures(per_minute=1)
    for number in range(10_000):
        failures.failed(f"10.{number >> 8 & 255}.{number & 255}.1", 0.0)
    assert len(failures._buckets) <= 4_096
