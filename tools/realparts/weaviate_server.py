"""A real Weaviate for tests, built once from its Go module (``tools/realparts/weaviate/build``).

One node on loopback ports, with a key; its data in a folder of its own. It dies when this process does.

    with running() as server:
        server.url, server.grpc_url, server.api_key
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from kfix.engine.broker.embedded import free_port
from tools.realparts.programs import built, serving

BUILD = Path(__file__).parent / "weaviate" / "build"
_READY_WITHIN_S = 90.0


@dataclass(frozen=True, slots=True)
class RealWeaviate:
    """A running server."""

    url: str
    grpc_url: str
    api_key: str


@functools.cache
def program() -> Path:
    """The server's program, built where needed. Raises Unbuildable."""
    return built("Weaviate", BUILD) / "weaviate"


@contextmanager
def running() -> Iterator[RealWeaviate]:
    """A server that holds nothing yet. Raises Unbuildable."""
    binary = program()
    http, grpc, raft, raft_rpc, gossip, data, profiling = (free_port() for _ in range(7))
    key = "tests-key"
    told = {
        "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
        "AUTHENTICATION_APIKEY_ENABLED": "true",
        "AUTHENTICATION_APIKEY_ALLOWED_KEYS": key,
        "AUTHENTICATION_APIKEY_USERS": "tests",
        "AUTHORIZATION_ADMINLIST_ENABLED": "true",
        "AUTHORIZATION_ADMINLIST_USERS": "tests",
        "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
        "CLUSTER_BIND_ADDR": "127.0.0.1",
        "CLUSTER_GOSSIP_BIND_PORT": str(gossip),
        "CLUSTER_DATA_BIND_PORT": str(data),
        "CLUSTER_HOSTNAME": "tests",
        "DEFAULT_VECTORIZER_MODULE": "none",
        "DISABLE_TELEMETRY": "true",
        "GO_PROFILING_PORT": str(profiling),
        "GRPC_PORT": str(grpc),
        "LOG_LEVEL": "warning",
        "RAFT_BOOTSTRAP_EXPECT": "1",
        "RAFT_PORT": str(raft),
        "RAFT_INTERNAL_RPC_PORT": str(raft_rpc),
        "RAFT_JOIN": f"tests:{raft}",
    }
    with tempfile.TemporaryDirectory(prefix="kfix-weaviate-") as scratch:
        environment = [f"{name}={value}" for name, value in told.items()]
        where = [f"PERSISTENCE_DATA_PATH={scratch}/data", f"PATH={os.environ['PATH']}"]
        address = ["--host", "127.0.0.1", "--port", str(http), "--scheme", "http"]
        url = f"http://127.0.0.1:{http}"
        with (
            httpx.Client(base_url=url, trust_env=False, timeout=5) as client,
            serving(
                "Weaviate",
                ["/usr/bin/env", "-i", *environment, *where, str(binary), *address],
                folder=Path(scratch),
                log=Path(scratch) / "log",
                ready=lambda: client.get("/v1/.well-known/ready").status_code == 200,
                within_s=_READY_WITHIN_S,
            ),
        ):
            yield RealWeaviate(url, f"http://127.0.0.1:{grpc}", key)
