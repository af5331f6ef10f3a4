"""What the door needs from outside of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ingest.settings import Ingest


@dataclass(frozen=True, slots=True)
class Ports:
    """Settings, the time, and where GitLab is (links of its events are taken only from there)."""

    settings: Ingest
    gitlab_url: str
    now: Callable[[], datetime]
