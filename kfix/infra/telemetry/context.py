"""What a log line is about, set once per record by the runtime.

One context variable instead of structlog's one per field: setting it costs a tenth, and it is set for each record.
A stage that wants more fields in a block's lines uses ``structlog.contextvars.bound_contextvars``.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

#: Stage, incident, trace id and event id (or the timer's name); empty where there is none.
context: ContextVar[tuple[str, str, str, str]] = ContextVar("kfix", default=("", "", "", ""))
_NAMES = ("stage", "incident", "trace", "of")


def add_context(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: adds what the context says and the line does not."""
    for name, value in zip(_NAMES, context.get(), strict=True):
        if value:
            event.setdefault(name, value)
    return event
