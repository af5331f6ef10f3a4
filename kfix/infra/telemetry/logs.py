"""Logging: structlog, one JSON object a line on stderr, foreign libraries through the same processors."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from kfix.infra.telemetry.context import add_context
from kfix.infra.telemetry.redaction import redact

#: Libraries that tell at INFO what only their authors need.
_QUIET = ("aiokafka", "faust", "mode", "kafka", "uvicorn", "httpx", "httpcore", "urllib3")
#: Faust names its loggers after the module of a subclass; our own lines there do not go through ``logging``.
_FAUST = "kfix.engine.runtime.faust_consumer"


def _json(value: Any, **_: Any) -> str:
    import orjson

    return orjson.dumps(value, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


def configure(level: str = "INFO", *, people: bool = False, cached: bool = True) -> None:
    """Sets up logging for the process. ``people`` writes coloured lines for a terminal instead of JSON.

    ``cached``: each logger keeps what it finds at its first line, which is faster; without it a later set-up counts for all.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        add_context,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer()
        if people
        else structlog.processors.JSONRenderer(serializer=_json)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=cached,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in (*_QUIET, _FAUST):
        logging.getLogger(name).setLevel(logging.WARNING)
