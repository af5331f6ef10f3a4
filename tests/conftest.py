"""Shared by all tests: only loopback is reachable, and the environment says nothing of K-Fix."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

_REAL_CONNECT = socket.socket.connect


def _loopback(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = address[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return bool(host == "localhost")


def _guarded(self: socket.socket, address: Any) -> None:
    if not _loopback(address):
        raise AssertionError(f"a test tried to reach {address!r}")
    _REAL_CONNECT(self, address)


@pytest.fixture(autouse=True, scope="session")
def only_loopback() -> Iterator[None]:
    """Refuses every connection that leaves this machine."""
    socket.socket.connect = _guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = _REAL_CONNECT  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's shell reaches a test."""
    for name in os.environ:
        if name.startswith("KFIX_") and not name.startswith("KFIX_TEST_"):
            monkeypatch.delenv(name)
