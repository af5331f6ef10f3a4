"""What tests of the engine share."""

from __future__ import annotations

import aiokafka
import aiokafka.admin
import pytest

from tests.support.broker import Admin, Cluster, Consumer


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A broker that aiokafka's clients find."""
    found = Cluster()
    monkeypatch.setattr(Consumer, "cluster", found, raising=False)
    monkeypatch.setattr(Admin, "cluster", found, raising=False)
    monkeypatch.setattr(aiokafka, "AIOKafkaConsumer", Consumer)
    monkeypatch.setattr(aiokafka.admin, "AIOKafkaAdminClient", Admin)
    return found
