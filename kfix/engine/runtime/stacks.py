"""Where everything stands: the tasks of event loops and the threads of the process, as lines for a log."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

#: Innermost frames that are told of each task and thread.
_DEPTH = 8


def tasks_of(loops: Iterable[asyncio.AbstractEventLoop]) -> list[str]:
    """What each unfinished task waits for, outermost frame first; equal ones are told once, with their number.

    May be called from another thread than the loops'.
    """
    told: Counter[str] = Counter()
    for loop in loops:
        for task in asyncio.all_tasks(loop):
            name = task.get_name()
            label = "task" if name.startswith("Task-") else name
            told[f"{label}: {' > '.join(list(_awaits(task.get_coro()))[-_DEPTH:])}"] += 1
    return [f"{count} x {line}" for line, count in sorted(told.items())]


def _awaits(coroutine: Any) -> Iterator[str]:
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None:
            yield _place(frame)
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)


def threads() -> list[str]:
    """Where each thread is, outermost frame first."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    lines = []
    for number, top in sys._current_frames().items():
        places: list[str] = []
        frame: FrameType | None = top
        while frame is not None and len(places) < _DEPTH:
            places.append(_place(frame))
            frame = frame.f_back
        lines.append(f"{names.get(number, number)}: {' > '.join(reversed(places))}")
    return lines


def _place(frame: FrameType) -> str:
    folders = frame.f_code.co_filename.split("/")
    return f"{'/'.join(folders[-2:])}:{frame.f_lineno} {frame.f_code.co_name}"
