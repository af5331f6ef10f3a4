"""What happens to each request, in order: authentic? whole? readable? stored? Only then a 2xx."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Literal

import structlog
from starlette.requests import ClientDisconnect, Request

from ingest.adapters.metrics import IN_FLIGHT, SECONDS, WEBHOOKS
from ingest.core.authenticity import Signature
from ingest.core.failures import Failures
from ingest.core.outcomes import Ignored, Malformed, Refusal, RefusedDelivery
from ingest.core.reading import decompressed, document_of, mended_document
from ingest.core.source import AlertSource, Reading, WebhookDelivery
from ingest.ports import IngestPorts
from kfix.engine.runtime.stage import Publisher
from kfix.engine.topics import BY_MODEL
from schemas import errors
from schemas.base import Record

log = structlog.get_logger()

_STATUS: dict[Refusal, int] = {
    "too_large": 413,
    "too_slow": 408,
    "cut_off": 400,
    "too_many_failures": 429,
    "busy": 503,
    "broker_away": 503,
}
#: Answers to requests that nobody of ours sent, or that could not be told from those.
_FAILURES = (400, 401, 408, 413)
#: Headers that go with a dead letter, so that it can be read again: none of them is a secret.
_KEPT = ("content-type", "content-encoding")
#: Bytes kept of a body that is over the cap.
_PREFIX = 256 * 1024


@dataclass(frozen=True, slots=True)
class WebhookReply:
    """What the sender is told."""

    status: int
    result: Literal["accepted", "ignored", "dead_lettered", "refused"]
    reason: str = ""
    delivery: str = ""
    detail: str = ""
    #: Seconds to wait, with 429 and 503.
    retry_after_s: int = 0


@dataclass(frozen=True, slots=True)
class _Prefix:
    """The start of a body over the cap."""

    start: bytes


class WebhookReceiver:
    """Handles the requests of all sources; at most ``max_in_flight`` at once."""

    def __init__(self, ports: IngestPorts, publisher: Publisher) -> None:
        self._ports = ports
        self._settings = ports.settings
        self._publisher = publisher
        self._in_flight = 0
        self._failures = Failures(ports.settings.failures_per_minute)
        self._failed_at = float("-inf")

    @property
    def ready(self) -> bool:
        """False for a few seconds after the broker failed to take a record."""
        return time.monotonic() - self._failed_at > self._settings.retry_after_s

    async def receive(self, source: AlertSource, request: Request) -> WebhookReply:
        """One webhook of a source."""
        started = time.perf_counter()
        if self._in_flight >= self._settings.max_in_flight:
            answer = self._refusal(RefusedDelivery("busy"))
        else:
            self._in_flight += 1
            IN_FLIGHT.set(self._in_flight)
            try:
                answer = await self._received(source, request)
            finally:
                self._in_flight -= 1
                IN_FLIGHT.set(self._in_flight)
        answer, quiet = self._counted(request, answer)
        SECONDS.labels(source.name).observe(time.perf_counter() - started)
        WEBHOOKS.labels(source.name, answer.result, answer.reason).inc()
        said = log.warning if answer.result in ("refused", "dead_lettered") else log.info
        if not quiet:
            said(
                f"webhook.{answer.result}",
                sender=source.name,
                status=answer.status,
                reason=answer.reason,
                delivery=answer.delivery,
            )
        return answer

    def _counted(self, request: Request, answer: WebhookReply) -> tuple[WebhookReply, bool]:
        """The answer, 429 in its place after too many failures; and whether the log has heard of those already."""
        if answer.status not in _FAILURES:
            return answer, False
        address = request.client.host if request.client else ""
        excess = self._failures.failed(address, time.monotonic())
        if excess is None:
            return answer, False
        refused = self._refusal(RefusedDelivery("too_many_failures"))
        return replace(refused, retry_after_s=excess.retry_after_s), not excess.first

    async def _received(self, source: AlertSource, request: Request) -> WebhookReply:
        signature = source.receiver.credentials(request.headers, self._ports.now().timestamp())
        if isinstance(signature, RefusedDelivery):
            return self._refusal(signature)
        body = await self._body(request, signature)
        if isinstance(body, RefusedDelivery):
            return self._refusal(body)
        if signature is not None and (refused := signature.check()) is not None:
            return self._refusal(refused)
        if isinstance(body, _Prefix):
            return await self._keep(source, request, body.start, self._over_the_cap())
        return await self._settle(source, request, body)

    async def _body(
        self, request: Request, signature: Signature | None
    ) -> bytes | RefusedDelivery | _Prefix:
        """The raw body, or the start of one over the cap. Never holds more than the cap and one piece.

        A signed body is read to its end all the same, and forgotten: only whole it can be verified.
        """
        most = self._settings.max_signed_bytes if signature else self._settings.max_body_bytes
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.body_timeout_s):
                async for piece in request.stream():
                    if size <= self._settings.max_body_bytes:
                        pieces.append(piece)
                    size += len(piece)
                    if signature is not None:
                        signature.update(piece)
                    if size > max(most, self._settings.max_body_bytes):
                        break
        except TimeoutError:
            return RefusedDelivery("too_slow")
        except ClientDisconnect:
            return RefusedDelivery("cut_off")
        if size <= self._settings.max_body_bytes:
            return b"".join(pieces)
        if signature is not None and size > most:
            return RefusedDelivery(
                "too_large", f"a signed body of more than {most} bytes is not verified"
            )
        return _Prefix(b"".join(pieces)[:_PREFIX])

    def _over_the_cap(self) -> Malformed:
        return Malformed(
            "too_large", f"over {self._settings.max_body_bytes} bytes; the start is kept"
        )

    def _read(self, source: AlertSource, request: Request, body: bytes) -> Reading:
        encoding = request.headers.get("content-encoding", "")
        plain = decompressed(body, encoding, self._settings.max_body_bytes)
        if isinstance(plain, Malformed):
            return plain
        content_type = request.headers.get("content-type", "")
        most = self._settings.max_depth
        document = document_of(plain, content_type, most)
        if isinstance(document, Malformed):
            mended = mended_document(plain, content_type, most) if source.mends else None
            if document.reason != "not_json" or mended is None:
                return document
            log.info("webhook.mended", sender=source.name, detail=document.detail)
            document = mended
        delivery = WebhookDelivery(document, body, plain, request.headers, self._ports.now())
        return source.receiver.read(delivery)

    async def _settle(self, source: AlertSource, request: Request, body: bytes) -> WebhookReply:
        """Every record of the delivery is stored, or the sender repeats it; its body is kept once for what is broken."""
        read = self._read(source, request, body)
        if isinstance(read, Malformed):
            return await self._keep(source, request, body, read)
        if isinstance(read, Ignored):
            return WebhookReply(200, "ignored", read.reason)
        broken = next((part for part in read if isinstance(part, Malformed)), None)
        sent: list[Record] = []
        for record in read:
            if isinstance(record, Malformed):
                continue
            try:
                await self._publisher.send(record)
                sent.append(record)
            except errors.Retryable:
                return self._broker_away()
            except errors.Defect as error:
                broken = broken or Malformed("unencodable", str(error))
        kept = await self._keep(source, request, body, broken) if broken is not None else None
        if not sent or (kept is not None and kept.result == "refused"):
            return kept or WebhookReply(200, "ignored", "other_event")
        return WebhookReply(
            202, "accepted", broken.reason if broken else "", delivery=sent[0].event_id
        )

    async def _keep(
        self, source: AlertSource, request: Request, body: bytes, malformed: Malformed
    ) -> WebhookReply:
        headers = request.headers
        names = (*_KEPT, *source.kept_headers)
        kept = {name: headers[name][:200] for name in names if name in headers}
        try:
            await self._publisher.dead_letter(
                BY_MODEL[source.writes],
                body,
                reason=malformed.reason,
                message=malformed.detail,
                headers=kept,
                about={**source.glimpse(body[:_PREFIX]), "source": source.name},
            )
        except errors.Retryable:
            return self._broker_away()
        return WebhookReply(202, "dead_lettered", malformed.reason)

    def _broker_away(self) -> WebhookReply:
        self._failed_at = time.monotonic()
        return self._refusal(RefusedDelivery("broker_away"))

    def _refusal(self, refused: RefusedDelivery) -> WebhookReply:
        status = _STATUS.get(refused.reason, 401)
        wait = self._settings.retry_after_s if status == 503 else 0
        return WebhookReply(
            status, "refused", refused.reason, detail=refused.detail, retry_after_s=wait
        )
