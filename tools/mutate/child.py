"""One run of pytest in a forked child, inside the scratch copy."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import pytest

from tools.mutate.areas import MARKS

#: Loaded once, before the forks: everything that is big and not ours.
_HEAVY = ("hypothesis", "pydantic_settings", "numpy", "yaml", "httpx", "fastapi", "kubernetes")
_HEAVY_TOO = ("aiokafka", "structlog", "sqlalchemy", "kubernetes_validate", "faust", "gitlab")


@dataclass
class Seen:
    """What a run saw: tests by verdict, their seconds, and the lines that each executed, by file."""

    failed: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    code: int = 0


class _Watch:
    """A plugin: runs the chosen tests in their order, tells each one's verdict, and names coverage's contexts."""

    def __init__(self, chosen: Sequence[str] | None, measuring: coverage.Coverage | None) -> None:
        self._order = {test: place for place, test in enumerate(chosen or ())}
        self._measuring = measuring
        self.seen = Seen()

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Only the chosen tests, in their order."""
        if self._order:
            items[:] = sorted(
                (item for item in items if item.nodeid in self._order),
                key=lambda item: self._order[item.nodeid],
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        """Names the context, takes the time."""
        if self._measuring:
            self._measuring.switch_context(item.nodeid)
        started = time.monotonic()
        result = yield
        self.seen.seconds[item.nodeid] = time.monotonic() - started
        if self._measuring:
            self._measuring.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keeps failures, and what passed."""
        if report.failed:
            self.seen.failed.append(report.nodeid)
        elif report.when == "call" and report.passed:
            self.seen.passed.append(report.nodeid)


def preload() -> None:
    """Imports what is not ours, so that each child has it."""
    for name in (*_HEAVY, *_HEAVY_TOO):
        importlib.import_module(name)
    gc.freeze()


def run(
    scratch: Path,
    files: Sequence[str],
    *,
    chosen: Sequence[str] | None = None,
    measured: Collection[str] = (),
    timeout_s: float,
) -> Seen | None:
    """Runs tests of ``files`` in a child until the first failure, or all when ``measured`` names sources.

    ``None``: it did not end within ``timeout_s``, or it died.
    """
    answer = scratch / ".mutate-answer"
    answer.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            code = _in_child(scratch, answer, files, chosen, measured)
        except BaseException:  # noqa: BLE001 - a child must end here, whatever happened
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    ended = _wait(child, timeout_s)
    if not ended or not answer.exists():
        return None
    return Seen(**json.loads(answer.read_text()))


def _wait(child: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    ended = False
    while not ended and time.monotonic() < deadline:
        time.sleep(0.02)
        ended = os.waitpid(child, os.WNOHANG)[0] == child
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not ended:
        os.waitpid(child, 0)
    return ended


def _in_child(
    scratch: Path,
    answer: Path,
    files: Sequence[str],
    chosen: Sequence[str] | None,
    measured: Collection[str],
) -> int:
    os.chdir(scratch)
    os.environ |= {"CI": "1", "PYTHONPATH": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    sys.path[:] = [str(scratch), *(p for p in sys.path if p and Path(p) != Path.cwd())]
    _forget_ours(scratch)
    out = os.open(scratch / ".mutate-out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    measuring = None
    if measured:
        included = [str(scratch / path) for path in measured]
        measuring = coverage.Coverage(
            data_file=None, include=included, config_file=False, messages=False
        )
        measuring.start()
    watch = _Watch(chosen, measuring)
    stop = () if measured else ("-x",)
    options = ("-q", "-m", MARKS, "--no-header", "--tb=line", "--assert=plain", *stop)
    watch.seen.code = int(pytest.main([*options, *files], plugins=[watch]))
    if measuring:
        measuring.stop()
        watch.seen.lines = _lines(measuring, scratch)
    answer.write_text(json.dumps(vars(watch.seen)))
    return 0


def _forget_ours(scratch: Path) -> None:
    """Modules of the working tree must be imported again, from the copy."""
    ours = {path.name for path in scratch.iterdir() if path.is_dir()}
    for name in list(sys.modules):
        if name.split(".")[0] in ours:
            del sys.modules[name]


def _lines(measuring: coverage.Coverage, scratch: Path) -> dict[str, dict[str, list[int]]]:
    data = measuring.get_data()
    found: dict[str, dict[str, list[int]]] = {}
    for name in data.measured_files():
        path = str(Path(name).relative_to(scratch))
        for line, contexts in data.contexts_by_lineno(name).items():
            for test in contexts:
                if test:
                    found.setdefault(test, {}).setdefault(path, []).append(line)
    return found
