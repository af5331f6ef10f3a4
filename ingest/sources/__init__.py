"""The sources of webhooks, one folder each.

A folder has ``__init__`` (``open_source``, and ``READER`` where alerts come from it), ``settings`` (``SETTINGS``),
``reading`` (payload to records, pure) and ``examples``. Its name here makes it heard.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ingest.core.reading import Document
from ingest.core.source import AlertReader, AlertSource, SaidAlert
from ingest.settings import Ingest

#: Folders, in the order in which they are asked whose a payload is: Datadog takes what nobody else knows.
NAMES: tuple[str, ...] = ("alertmanager", "gitlab", "datadog")


def open_sources(shared: Ingest) -> tuple[AlertSource, ...]:
    """Every source with its settings. ``shared``: what all of them have in common."""
    return tuple(_folder(name).open_source(shared) for name in NAMES)


def alert_in(document: Document, body: bytes) -> SaidAlert:
    """The alert of a payload whose sender nobody names. ``body``: its bytes, for an id where it has none."""
    readers: list[AlertReader] = [
        folder.READER for folder in map(_folder, NAMES) if hasattr(folder, "READER")
    ]
    return next(reader for reader in readers if reader.recognises(document)).said(document, body)


def _folder(name: str) -> Any:
    return import_module(f"{__name__}.{name}")
