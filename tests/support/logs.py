"""Tests of commands in this process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def logs_as_they_were() -> Iterator[None]:
    """The command sets up the process' logging on a stream that ends with it; the tests after it have their own."""
    known, configured, root = structlog.get_config(), structlog.is_configured(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        structlog.configure(**known) if configured else structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)
