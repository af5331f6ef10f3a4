"""The last step of every log line and stored failure message: secrets are masked."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, MutableMapping
from typing import Any


def _masker() -> Callable[[str], str]:
    if importlib.util.find_spec("kfix.incident.redaction") is None:
        return lambda text: text
    module = importlib.import_module("kfix.incident.redaction")
    mask: Callable[[str], str] = module.mask
    return mask


mask: Callable[[str], str] = _masker()


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {name: _masked(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: masks each string of the event. A foreign library's ``event`` is its whole sentence."""
    for name, value in event.items():
        if name not in ("level", "timestamp"):
            event[name] = _masked(value)
    return event
