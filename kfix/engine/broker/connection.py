"""How to reach the brokers: one address with its options, as aiokafka's clients take them."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any

import structlog

from kfix.infra.settings import Kafka
from schemas import errors

log = structlog.get_logger(__name__)

#: Seconds for one look at a cluster.
_PROBE_S = 5.0
#: Seconds without an answer after which the wait is logged.
_SAY_AFTER_S = 2.0
#: Seconds between looks, doubled with each up to the second.
PAUSE_S, PAUSE_MAX_S = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Brokers:
    """A cluster as a client sees it. ``embedded`` brokers are in memory and know no idempotent producers."""

    bootstrap: str
    kafka: Kafka
    embedded: bool = False

    def named(self, name: str) -> str:
        """A topic's or group's name on this cluster: with the configured prefix."""
        return f"{self.kafka.prefix}{name}"

    def plain(self, name: str) -> str:
        """The house's name of a topic on this cluster: without the prefix."""
        return name.removeprefix(self.kafka.prefix)

    def client_options(self, client: str) -> dict[str, Any]:
        """Keyword arguments that every aiokafka client understands."""
        kafka = self.kafka
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "client_id": self.named(client),
            "security_protocol": kafka.security_protocol,
            "retry_backoff_ms": 200,
        }
        if kafka.security_protocol.endswith("SSL"):
            options["ssl_context"] = ssl.create_default_context(cafile=kafka.ca_file or None)
        if kafka.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = kafka.sasl_mechanism
            options["sasl_plain_username"] = kafka.sasl_username
            options["sasl_plain_password"] = kafka.sasl_password.get_secret_value()
        return options


async def wait_until_up(brokers: Brokers, *, within_s: float) -> None:
    """Returns once a broker and a controller answer.

    A worker may start before its broker. Raises errors.Unavailable when none answers within ``within_s`` seconds.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    patience = loop.time() + _SAY_AFTER_S
    pause_s = PAUSE_S
    told = False
    while True:
        why = await _why_down(brokers)
        if not why:
            return
        if loop.time() >= deadline:
            raise errors.Unavailable(
                f"no Kafka broker at {brokers.bootstrap} within {within_s:g} s: {why}"
            )
        if not told and loop.time() >= patience:
            log.warning("broker.waiting", bootstrap=brokers.bootstrap, within_s=within_s, why=why)
            told = True
        await asyncio.sleep(pause_s)
        pause_s = longer(pause_s)


def longer(pause_s: float) -> float:
    """Seconds of the pause after one of ``pause_s``."""
    return min(pause_s * 2, PAUSE_MAX_S)


async def _why_down(brokers: Brokers) -> str:
    """Why the cluster cannot be used now; empty when it can.

    The port is tried first: aiokafka logs an error for each refused connection, and a broker that starts refuses some.
    """
    from aiokafka.admin import AIOKafkaAdminClient

    refusals = [await _refusal(address) for address in brokers.bootstrap.split(",")]
    if all(refusals):
        return refusals[0]
    admin = AIOKafkaAdminClient(**brokers.client_options("probe"), request_timeout_ms=3000)
    try:
        async with asyncio.timeout(_PROBE_S):
            await admin.start()
            answer = await admin.describe_cluster()
    except Exception as failure:  # noqa: BLE001 - aiokafka raises many kinds while a broker starts
        return str(failure) or type(failure).__name__
    finally:
        await admin.close()
    return "" if answer.get("brokers") else "no broker is registered"


async def _refusal(address: str) -> str:
    """Why nothing listens at ``host:port``; empty when something does."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(_PROBE_S):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            writer.close()
    except (OSError, TimeoutError, ValueError) as failure:
        return str(failure) or type(failure).__name__
    return ""
