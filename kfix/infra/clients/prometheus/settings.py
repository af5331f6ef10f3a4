"""Settings of the connection to Prometheus. Prefix ``KFIX_PROMETHEUS_``."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class PrometheusConnection(Settings):
    """Prometheus' HTTP API, or that of Thanos, Mimir, VictoriaMetrics. Empty ``url``: not configured."""

    model_config = SettingsConfigDict(env_prefix="KFIX_PROMETHEUS_")
    #: Its address, with the prefix under which the API is (``https://mimir.example.com/prometheus``).
    url: str = ""
    #: Address under which people open it, for links; empty: ``url``.
    app_url: str = ""
    #: Bearer token.
    token: SecretStr = SecretStr("")
    #: Basic credentials, instead of a token.
    username: str = ""
    password: SecretStr = SecretStr("")
    #: PEM file of the certificate authority; empty: the bundled ones.
    ca_file: str = ""
    #: PEM files of a client certificate and its key.
    client_cert_file: str = ""
    client_key_file: str = ""
    #: Tenant, sent as ``X-Scope-OrgID`` (Mimir, Cortex); empty: none.
    tenant: str = ""
    #: Name of the one cluster that its series are of, as K-Fix calls it. Empty: the only one that K-Fix knows.
    cluster: str = ""
    #: Label that tells clusters apart where the series of several are in one place; its values are the clusters' names.
    cluster_label: str = Field(default="", pattern=r"^([a-zA-Z_][a-zA-Z0-9_]*)?$")
    #: Seconds for one call. Prometheus gives up on a query after two minutes; ours mostly answer in well under one second.
    timeout_s: float = Field(default=10.0, gt=0)
    #: Queries under way at once, of all alerts of this process: a fifth of what Prometheus works at (20).
    at_once: int = Field(default=4, ge=1)
