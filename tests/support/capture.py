"""`kfix capture` and `kfix diagnose` as a person runs them, in this process."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
import typer
from typer.testing import CliRunner, Result

from kfix.cli import capture, diagnose


def kfix(*words: object) -> Result:
    """Runs one of the two commands."""
    app = typer.Typer()
    capture.register(app)
    diagnose.register(app)
    with _logs_as_they_were():
        return CliRunner().invoke(app, [str(word) for word in words])


@contextmanager
def _logs_as_they_were() -> Iterator[None]:
    """The command sets up the process' logging on a stream that ends with it; the tests after it have their own."""
    known, configured, root = structlog.get_config(), structlog.is_configured(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        structlog.configure(**known) if configured else structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)


def diagnosed(folder: Path) -> dict[str, Any]:
    """The answer to a captured folder."""
    done = kfix("diagnose", folder, "--output", "json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def note(folder: Path) -> dict[str, str]:
    """What the folder says is not in it: reasons by name."""
    document = json.loads((folder / "cluster" / "capture.json").read_text())
    return {one["name"]: one["reason"] for one in document["unread"]}
