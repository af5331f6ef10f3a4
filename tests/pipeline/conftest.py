"""Brokers for the pipeline tests: the embedded one, and a real Apache Kafka, each once a session."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from kfix.engine.broker import embedded as embedded_broker
from tests.pipeline.harness import Cluster
from tools.realparts import kafka as real_kafka


@pytest.fixture(scope="session")
def embedded_cluster() -> Iterator[Cluster]:
    port = embedded_broker.free_port()
    child = embedded_broker.spawn(port)
    try:
        _wait_for(port)
        yield Cluster(f"127.0.0.1:{port}", embedded=True)
    finally:
        embedded_broker.stop(child)


def _wait_for(port: int) -> None:
    import socket

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the embedded broker does not listen")


@pytest.fixture(scope="session")
def kafka_node() -> Iterator[real_kafka.Kafka]:
    try:
        real_kafka.jars()
    except real_kafka.Unobtainable as why:
        pytest.skip(str(why))
    with real_kafka.running() as node:
        yield node


@pytest.fixture(scope="session")
def kafka_cluster(kafka_node: real_kafka.Kafka) -> Cluster:
    return Cluster(kafka_node.bootstrap, embedded=False)


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.broker),
        pytest.param("kafka", marks=pytest.mark.kafka),
    ]
)
def cluster(request: Any) -> Cluster:
    """Both brokers, one after the other."""
    found: Cluster = request.getfixturevalue(f"{request.param}_cluster")
    return found
