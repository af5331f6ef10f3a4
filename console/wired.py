"""What the console's handlers and its door use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from console.ports import Projection
from console.settings import Console


@dataclass(frozen=True, slots=True)
class Ports:
    """The projection, the settings, and what is not the same every time."""

    projection: Projection
    settings: Console
    language: str
    now: Callable[[], datetime]
    new_id: Callable[[], str]
