"""R12: forged requests over real HTTP leave no record, get the right status, and no secret is logged."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from fixtures_ingest import GITLAB_TOKEN, NOW, SIGNING_TOKEN, TOKEN, Open, opened
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from ingest.adapters.examples import DATADOG_KFIX, GITLAB_MERGED

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
        expected = 413 if "oversized signed" in name else 401
        assert status == expected or (status == RESET and len(body) > 64 * 1024), name
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
