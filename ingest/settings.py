"""Settings of the door."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class Ingest(Settings):
    """What the door needs, whoever sends; each source has settings of its own."""

    model_config = SettingsConfigDict(env_prefix="KFIX_INGEST_")

    #: Where to listen. Loopback unless told otherwise: TLS belongs in front of the door.
    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    #: Seconds that a signature's time may be off, either way; Standard Webhooks says 5 minutes.
    signature_tolerance_s: int = Field(default=300, gt=0)
    #: Bytes of a body, after decompression. Alerts' largest templates stay below 100 KiB, GitLab's events below 300.
    max_body_bytes: int = Field(default=1024 * 1024, gt=0)
    #: Bytes of a signed body that are still read, unkept, to verify it: GitLab sends 25 MB at most.
    max_signed_bytes: int = Field(default=25 * 1024 * 1024, gt=0)
    #: Failed requests of one address in a minute; the next ones get 429, authentic ones never do. 0: no bound.
    #: A person who mends a token stays below, and a wrong token of a storm of alerts shows up once in the logs.
    failures_per_minute: int = Field(default=60, ge=0)
    #: Levels of nesting; GitLab's payloads have 5.
    max_depth: int = Field(default=32, gt=0)
    #: Seconds for a body to arrive. Senders give up on the whole request: Datadog after 15.
    body_timeout_s: float = Field(default=10.0, gt=0)
    #: Requests handled at once; the rest gets 503. With ``max_body_bytes`` this bounds memory: 64 MiB.
    max_in_flight: int = Field(default=64, gt=0)
    #: Seconds that a 503 asks senders to wait.
    retry_after_s: int = Field(default=5, ge=0)
