"""The door over real HTTP on loopback, with a publisher that keeps what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from ingest.agent import build_app
from ingest.ports import IngestPorts
from ingest.settings import Ingest
from ingest.sources import datadog, gitlab
from ingest.sources.datadog.settings import DatadogWebhook
from ingest.sources.gitlab.settings import GitLabWebhook
from kfix.engine.topics import Topic
from schemas import errors
from schemas.base import Record

TOKEN = "old-token-of-datadog-5b2c"
NEXT_TOKEN = "new-token-of-datadog-91f0"
GITLAB_TOKEN = "plain-token-of-gitlab-77aa"
SIGNING_TOKEN = "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@dataclass
class Kept:
    """A publisher in memory. ``away``: the broker does not answer."""

    records: list[Record] = field(default_factory=list)
    letters: list[tuple[str, bytes, str, dict[str, str]]] = field(default_factory=list)
    #: What people are told of each letter: its message, and whom it is about.
    told: list[dict[str, str]] = field(default_factory=list)
    away: bool = False

    async def send(self, record: Record) -> None:
        if self.away:
            raise errors.Unavailable("no broker")
        self.records.append(record)

    async def dead_letter(
        self,
        topic: Topic[Any],
        raw: bytes,
        *,
        reason: str,
        message: str,
        headers: dict[str, str],
        about: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        if self.away:
            raise errors.Unavailable("no broker")
        self.letters.append((topic.name, raw, reason, headers))
        self.told.append({"message": message, **about})

    @property
    def nothing(self) -> bool:
        return not self.records and not self.letters


@dataclass
class Open:
    """An open door."""

    url: str
    kept: Kept
    client: httpx.AsyncClient

    async def datadog(
        self, body: bytes, token: str | None = TOKEN, **headers: str
    ) -> httpx.Response:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        if token is not None:
            named["X-KFix-Token"] = token
        named.setdefault("content-type", "application/json")
        return await self.client.post("/datadog-webhook", content=body, headers=named)

    async def gitlab(self, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        named = {"content-type": "application/json", **(headers or {})}
        return await self.client.post("/gitlab-webhook", content=body, headers=named)


def ports(**changes: Any) -> IngestPorts:
    """What the door needs; settings of one source begin with its name (``datadog_tokens``)."""
    values: dict[str, Any] = {
        "datadog_tokens": (SecretStr(TOKEN), SecretStr(NEXT_TOKEN)),
        "gitlab_tokens": (SecretStr(GITLAB_TOKEN),),
        "gitlab_signing_tokens": (SecretStr(SIGNING_TOKEN),),
        "gitlab_bot": "kfix-bot",
        "max_body_bytes": 64 * 1024,
        "body_timeout_s": 5.0,
        "failures_per_minute": 0,
    } | changes

    def of(prefix: str) -> dict[str, Any]:
        return {n.removeprefix(prefix): values.pop(n) for n in [*values] if n.startswith(prefix)}

    own_datadog, own_gitlab = DatadogWebhook(**of("datadog_")), GitLabWebhook(**of("gitlab_"))
    shared = Ingest(**values)
    url, tolerance_s = "https://gitlab.example.com", shared.signature_tolerance_s
    sources = (
        datadog.source(own_datadog),
        gitlab.source(own_gitlab, url=url, tolerance_s=tolerance_s),
    )
    return IngestPorts(shared, sources, lambda: NOW)


@asynccontextmanager
async def opened(**changes: Any) -> AsyncIterator[Open]:
    kept = Kept()
    config = uvicorn.Config(
        build_app(ports(**changes), kept), host="127.0.0.1", port=0, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as client:
            yield Open(url, kept, client)
    finally:
        server.should_exit = True
        await serving
