"""Settings of Datadog's webhook."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings, Tokens


class DatadogWebhook(Settings):
    """Datadog's webhook. Without a token everything in its name is refused."""

    model_config = SettingsConfigDict(env_prefix="KFIX_INGEST_DATADOG_")

    #: Secrets that Datadog sends in ``KFIX_INGEST_DATADOG_HEADER``; the new one and the old one during a rotation.
    tokens: Tokens = ()
    #: The custom header of the webhook that carries one of them.
    header: str = "X-KFix-Token"


SETTINGS = DatadogWebhook
