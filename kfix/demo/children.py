"""The demo's child processes: started with a fresh environment, ready when they say so, stopped with us."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kfix.engine.broker.embedded import die_with_parent
from schemas.base import Json

#: Settings of the developer's shell that a demo respects; all other ``KFIX_*`` stay outside.
_KEPT = ("KFIX_LANGUAGE",)
_LAST_LINES = 15


class DemoFailed(Exception):
    """The demo cannot go on; the text says why, for people."""


@dataclass(slots=True)
class Child:
    """One process. ``ready`` is the JSON line with which it said that it is up."""

    name: str
    process: subprocess.Popen[str]
    ready: dict[str, Json]
    log: Path
    #: Reads the process's output until it ends.
    reader: threading.Thread

    def check(self) -> None:
        """Raises DemoFailed when the process has ended."""
        code = self.process.poll()
        if code is not None:
            raise DemoFailed(f"{self.name} ended with status {code}\n{last_lines(self.log)}")

    def stop(self, within_s: float = 20.0) -> None:
        """Asks it to end, and makes it when it does not."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join(timeout=1)


def start(
    name: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    event: str,
    within_s: float,
) -> Child:
    """Runs ``kfix <arguments>`` in ``folder`` until it prints the JSON line ``{"event": event, …}``.

    stderr goes to ``<folder>/<name>.log``. Raises DemoFailed.
    """
    log = folder / f"{name}.log"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("KFIX_") or k in _KEPT}
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", "from kfix.cli import main; main()", *arguments],
            cwd=folder,
            env={**inherited, **environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - prctl alone, no locks taken
        )
    assert process.stdout is not None
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True)
    reader.start()
    child = Child(name, process, {}, log, reader)
    try:
        child.ready = _wait_ready(child, lines, event, within_s)
    except BaseException:
        child.stop()
        raise
    return child


def _pump(stream: IO[str], lines: queue.Queue[str]) -> None:
    """Reads on for ever, so that the child never blocks on a full pipe."""
    with stream:
        for line in stream:
            lines.put(line)


def _wait_ready(
    child: Child, lines: queue.Queue[str], event: str, within_s: float
) -> dict[str, Json]:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        child.check()
        try:
            line = lines.get(timeout=0.2)
        except queue.Empty:
            continue
        said = _object(line)
        if said.get("event") == event:
            return said
    raise DemoFailed(f"{child.name} was not ready within {within_s:.0f} s\n{last_lines(child.log)}")


def _object(line: str) -> dict[str, Json]:
    try:
        said = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def last_lines(log: Path) -> str:
    """The end of a log, for a failure's message."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-_LAST_LINES:])
