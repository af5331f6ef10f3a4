"""From our settings to the official client's configuration: URL and token, kubeconfig, or in-cluster."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from kfix.infra.settings import KubernetesConnection
from schemas import errors

#: Seconds between two looks at a token's file. Kubernetes replaces a mounted token long before it ends.
_TOKEN_S = 60.0


async def read_configuration(settings: KubernetesConnection) -> Configuration:
    """The first of URL, kubeconfig and in-cluster that is set.

    Raises ``errors.Unauthorized`` (reason ``bad_configuration``) when none is, or a file cannot be read.
    """
    configuration = Configuration()
    try:
        if settings.url:
            _from_url(settings, configuration)
        elif settings.kubeconfig:
            await load_kube_config(  # type: ignore[no-untyped-call]
                config_file=settings.kubeconfig,
                context=settings.context or None,
                client_configuration=configuration,
                persist_config=False,
            )
        else:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError, ValueError) as trouble:
        raise errors.Unauthorized(
            f"no usable Kubernetes configuration: {trouble}", reason="bad_configuration"
        ) from trouble
    # aiohttp would otherwise take a proxy and .netrc from the environment.
    configuration.client_session_kwargs = {"trust_env": False}
    configuration.retries = None
    return configuration


class TokenInFile:
    """Keeps a configuration's bearer token as a file has it, looking again each minute, as client-go does."""

    def __init__(self, file: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = Path(file)
        self._clock = clock
        self._due = -math.inf

    def __call__(self, configuration: Configuration) -> None:
        """Raises ``errors.Unauthorized`` (reason ``bad_configuration``) when the file has no token."""
        if self._clock() < self._due:
            return
        try:
            token = self._file.read_text("ascii").strip()
        except (OSError, ValueError) as trouble:
            raise errors.Unauthorized(
                f"the token's file cannot be read: {type(trouble).__name__}",
                reason="bad_configuration",
            ) from trouble
        if not token or not token.isprintable():
            raise errors.Unauthorized("the token's file has no token", reason="bad_configuration")
        configuration.api_key["BearerToken"] = token
        configuration.api_key_prefix["BearerToken"] = "Bearer"
        self._due = self._clock() + _TOKEN_S


def _from_url(settings: KubernetesConnection, configuration: Configuration) -> None:
    configuration.host = settings.url.rstrip("/")
    if settings.token_file:
        keep = TokenInFile(settings.token_file)
        keep(configuration)
        configuration.refresh_api_key_hook = keep  # type: ignore[assignment]
    elif token := settings.token.get_secret_value():
        configuration.api_key["BearerToken"] = token
        configuration.api_key_prefix["BearerToken"] = "Bearer"
    configuration.ssl_ca_cert = settings.ca_file or None
    configuration.cert_file = settings.client_cert_file or None
    configuration.key_file = settings.client_key_file or None
