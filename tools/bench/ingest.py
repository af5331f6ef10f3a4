"""The door alone: an alert from request to answer, against a FastAPI endpoint that reads the same body and does nothing.

Both applications are called in this process through ASGI, without sockets or broker, one request after the other: what
is measured is what the door adds to its framework (token, bounds, checks of the JSON, the alert's words, the record).
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request
from pydantic import SecretStr

from ingest.adapters.http import create_app
from ingest.ports import IngestPorts
from ingest.settings import Ingest
from ingest.sources import datadog
from ingest.sources.datadog.examples import DATADOG_KFIX
from ingest.sources.datadog.settings import DatadogWebhook

TITLE = "ingest: one webhook, against a bare FastAPI endpoint that parses the same body"
REQUESTS = 1_000
ROUNDS = 7
TOKEN = "the-token-of-this-benchmark"


class Nowhere:
    """A publisher that acknowledges at once."""

    async def send(self, record: Any) -> None:
        """Takes the record."""

    async def dead_letter(self, *_: Any, **__: Any) -> None:
        """Nothing of this benchmark is malformed."""
        raise AssertionError("a dead letter")


def run() -> dict[str, float]:
    """Microseconds a request at the median of the rounds, and ratios."""
    return asyncio.run(_measured())


async def _measured() -> dict[str, float]:
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    body = json.dumps(DATADOG_KFIX).encode()
    sources = (datadog.source(DatadogWebhook(tokens=(SecretStr(TOKEN),))),)
    ports = IngestPorts(Ingest(failures_per_minute=0), sources, lambda: datetime.now(UTC))
    door = create_app(ports, Nowhere())
    right, wrong = TOKEN, "not-" + TOKEN
    cases: dict[str, tuple[Any, str, int]] = {
        "bare": (_bare(), right, 202),
        "door": (door, right, 202),
        "forged": (door, wrong, 401),
    }
    costs: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, (app, token, status) in cases.items():
            costs[name].append(await _us(app, body, token, status))
    median = {name: statistics.median(found) for name, found in costs.items()}
    figures = {f"{name}_us": cost for name, cost in median.items()}
    figures["bare_to_door"] = median["bare"] / median["door"]
    figures["bare_to_forged"] = median["bare"] / median["forged"]
    for name, value in figures.items():
        print(f"{name:16} {value:8.2f}")
    return figures


def _bare() -> FastAPI:
    app = FastAPI()

    @app.post("/datadog-webhook", status_code=202)
    async def webhook(request: Request) -> dict[str, str]:
        await request.json()
        return {"result": "accepted", "reason": "", "delivery": "", "detail": ""}

    return app


async def _us(app: Any, body: bytes, token: str, status: int) -> float:
    started = time.perf_counter()
    for _ in range(REQUESTS):
        told = await _post(app, body, token)
        assert told == status, told
    return (time.perf_counter() - started) / REQUESTS * 1e6


async def _post(app: Any, body: bytes, token: str) -> int:
    """One request through ASGI; the status of its answer."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/datadog-webhook",
        "raw_path": b"/datadog-webhook",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"x-kfix-token", token.encode())],
        "client": ("192.0.2.1", 1),
        "server": ("192.0.2.2", 80),
    }
    waiting = [{"type": "http.request", "body": body, "more_body": False}]
    answered: list[int] = []

    async def receive() -> Any:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    await app(scope, receive, send)
    return answered[0]
