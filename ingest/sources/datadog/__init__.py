"""Datadog: alerts of its webhooks integration, authenticated by a secret in a header (it signs nothing)."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.core.authenticity import Signature, check_token
from ingest.core.outcomes import Malformed, RefusedDelivery
from ingest.core.source import AlertReader, AlertSource, Reading, RequestHeaders, WebhookDelivery
from ingest.settings import Ingest
from ingest.sources.datadog.examples import DATADOG_KFIX, DATADOG_NATIVE
from ingest.sources.datadog.reading import NAME, TITLE, DatadogPayload, glimpse, raw_alert
from ingest.sources.datadog.settings import DatadogWebhook
from kfix.infra.settings import load
from schemas.alerts import RawAlert

READER: AlertReader = DatadogPayload()


@dataclass(frozen=True, slots=True)
class DatadogReceiver:
    """``ingest.core.source.Receiver``."""

    settings: DatadogWebhook

    def credentials(
        self, headers: RequestHeaders, now_s: float
    ) -> Signature | RefusedDelivery | None:
        """Compares the configured header with the tokens: why the delivery is refused, ``None`` where one is right. ``now_s`` is not used."""
        valid = [token.get_secret_value() for token in self.settings.tokens]
        return check_token(headers.getlist(self.settings.header), valid)

    def read(self, delivery: WebhookDelivery) -> Reading:
        """The delivery as one raw alert, or why it is none."""
        record = raw_alert(
            delivery.document,
            body=delivery.plain,
            content_type=delivery.header("content-type"),
            received_at=delivery.received_at,
        )
        return record if isinstance(record, Malformed) else (record,)


def source(settings: DatadogWebhook) -> AlertSource:
    """The source with these settings."""
    return AlertSource(
        name=NAME,
        title=TITLE,
        path="/datadog-webhook",
        writes=RawAlert,
        receiver=DatadogReceiver(settings),
        summary="A Datadog alert",
        authentication=f"Authenticated by the header `{settings.header}`.",
        examples={"kfix_template": DATADOG_KFIX, "native": DATADOG_NATIVE},
        mends=True,
        glimpse=glimpse,
    )


def open_source(shared: Ingest) -> AlertSource:
    """The source as the environment sets it."""
    return source(load(DatadogWebhook))
