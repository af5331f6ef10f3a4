"""A stage as the app that Faust's own command line starts: ``faust -A decide worker -l info``.

Each stage's package has it as ``app``. The process is the same as that of ``kfix run``: the same settings, the same
promises, the same end on SIGTERM and SIGINT. Source: Faust's ``find_app`` (``faust/app/base.py``), which takes the
attribute ``app`` of the package that ``-A`` names.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog

from kfix.engine.runtime.faust_consumer import CommandLineApp
from kfix.engine.runtime.process import prepare_interpreter, running
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Stage
from kfix.infra import settings
from kfix.infra.telemetry import logs

log = structlog.get_logger(__name__)
#: What Faust's banner shows where no cluster is configured: the embedded broker takes a free port when it starts.
_EMBEDDED = "embedded"


def faust_app(stage: Stage[Any]) -> CommandLineApp:
    """A Faust app that runs one stage. Settings are read now. Raises pydantic.ValidationError for wrong ones."""
    kafka = settings.load(settings.Kafka)
    level = settings.load(settings.AppSettings).log_level

    @asynccontextmanager
    async def opening() -> AsyncIterator[None]:
        prepare_interpreter()
        async with running([stage], kafka=kafka, settings=settings.load(Runtime)) as process:
            log.info("process.ready", stages=[stage.name], urls=process.urls)
            yield
            log.info("process.stopping")
        log.info("process.stopped")

    return CommandLineApp(
        f"{kafka.prefix}kfix-{stage.name}",
        (kafka.bootstrap or _EMBEDDED).split(","),
        opening=opening,
        set_up_logging=lambda: logs.configure(level, people=sys.stderr.isatty()),
    )
