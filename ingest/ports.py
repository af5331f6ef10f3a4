"""What the door needs from outside of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ingest.core.source import AlertSource
from ingest.settings import Ingest


@dataclass(frozen=True, slots=True)
class IngestPorts:
    """Settings, who may send, and the time."""

    settings: Ingest
    sources: tuple[AlertSource, ...]
    now: Callable[[], datetime]
