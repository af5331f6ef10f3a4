"""Settings of Alertmanager's webhook."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings, Tokens


class AlertmanagerWebhook(Settings):
    """Alertmanager's webhook. Without a token and without a user everything in its name is refused."""

    model_config = SettingsConfigDict(env_prefix="KFIX_INGEST_ALERTMANAGER_")

    #: What ``http_config.authorization.credentials`` of the receiver says; the new one and the old one during a rotation.
    tokens: Tokens = ()
    #: What ``http_config.basic_auth`` says, as ``user:password``; several as with tokens. A bearer token is better: it is
    #: nobody's password. A password with a comma is none that can be said here.
    users: Tokens = ()


SETTINGS = AlertmanagerWebhook
