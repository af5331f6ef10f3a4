"""Shared by all tests: only loopback is reachable, and the environment says nothing of K-Fix."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.run import PLACES

# Machines are noisy, so no example has a deadline. CI repeats the same examples, so that a red run tells of the change
# and not of luck; everybody else's runs search on.
settings.register_profile("search", deadline=None)
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady" if os.environ.get("CI") else "search")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked ``full`` runs with KFIX_TEST_FULL=1 alone; it is left out, not skipped.

    A test of a real part must stand where its suite collects: elsewhere it would never run.
    """
    for item in items:
        for part, folders in PLACES.items():
            if item.get_closest_marker(part) and not item.nodeid.startswith(folders):
                raise pytest.UsageError(
                    f"{item.nodeid} needs {part}; no suite looks there: see PLACES in tests/run.py"
                )
    if os.environ.get("KFIX_TEST_FULL") == "1":
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


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
