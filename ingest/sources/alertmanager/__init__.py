"""Alertmanager: alerts of Prometheus, authenticated by a bearer token or by a user's name and password."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import SecretStr

from ingest.core.authenticity import Signature, check_token
from ingest.core.outcomes import RefusedDelivery
from ingest.core.source import AlertReader, AlertSource, Reading, RequestHeaders, WebhookDelivery
from ingest.settings import Ingest
from ingest.sources.alertmanager.examples import ALERTMANAGER_FIRING, ALERTMANAGER_RESOLVED
from ingest.sources.alertmanager.reading import NAME, TITLE, AlertmanagerPayload, records
from ingest.sources.alertmanager.settings import AlertmanagerWebhook
from kfix.infra.settings import load
from schemas.alerts import RawAlert

READER: AlertReader = AlertmanagerPayload()


@dataclass(frozen=True, slots=True)
class AlertmanagerReceiver:
    """``ingest.core.source.Receiver``."""

    settings: AlertmanagerWebhook

    def credentials(
        self, headers: RequestHeaders, now_s: float
    ) -> Signature | RefusedDelivery | None:
        """Compares ``Authorization`` with what is configured: why the delivery is refused, ``None`` where it is right. ``now_s`` is not used."""
        valid = [
            *(f"Bearer {token}" for token in _said(self.settings.tokens)),
            *(f"Basic {_encoded(user)}" for user in _said(self.settings.users) if ":" in user),
        ]
        return check_token([_cased(h) for h in headers.getlist("authorization")], valid)

    def read(self, delivery: WebhookDelivery) -> Reading:
        """A record for each alert of the delivery, or why there is none."""
        return records(delivery)


def _said(secrets: Iterable[SecretStr]) -> Iterator[str]:
    return (text for secret in secrets if (text := secret.get_secret_value()))


def _encoded(user: str) -> str:
    return base64.b64encode(user.encode()).decode()


def _cased(header: str) -> str:
    """The scheme in the case that is compared: it has none (RFC 9110, 11.1)."""
    scheme, space, credentials = header.partition(" ")
    return f"{scheme.capitalize()}{space}{credentials}"


def source(settings: AlertmanagerWebhook) -> AlertSource:
    """The source with these settings."""
    return AlertSource(
        name=NAME,
        title=TITLE,
        path="/alertmanager-webhook",
        writes=RawAlert,
        receiver=AlertmanagerReceiver(settings),
        summary="A group of Alertmanager's alerts",
        authentication="Authenticated by `Authorization`: a bearer token, or basic credentials.",
        examples={"firing": ALERTMANAGER_FIRING, "resolved": ALERTMANAGER_RESOLVED},
    )


def open_source(shared: Ingest) -> AlertSource:
    """The source as the environment sets it."""
    return source(load(AlertmanagerWebhook))
