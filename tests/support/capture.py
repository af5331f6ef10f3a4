"""`kfix capture` and `kfix diagnose` as a person runs them, in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from kfix.cli import capture, diagnose
from tests.support.logs import logs_as_they_were


def kfix(*words: object) -> Result:
    """Runs one of the two commands."""
    app = typer.Typer()
    capture.register(app)
    diagnose.register(app)
    with logs_as_they_were():
        return CliRunner().invoke(app, [str(word) for word in words])


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
