"""The border to services: whatever their clients raise or answer becomes that service's typed failure. One place for all.

    @guarded("Datadog")
    class Datadog:
        async def monitor(self, monitor_id: int) -> ...:
            found = await ...
            same("Datadog", {"id": monitor_id}, found)

``guarded`` lets ``schemas.errors`` and cancellation pass and turns everything else (a client's ``TypeError`` over
``{}``, a ``RecursionError`` over a deep nest) into ``errors.Unavailable`` with reason ``unforeseen``: an alert goes on
without that source. It is logged with its traceback and counted, since it may as well be a defect of ours.
``same`` refuses an answer to another question, with reason ``another_answer``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import structlog
from prometheus_client import Counter

from schemas import errors

T = TypeVar("T")
log = structlog.get_logger(__name__)

SURPRISES = Counter(
    "kfix_source_surprises_total",
    "Calls that ended in what no client documents (unforeseen) or in an answer to another question (another_answer)",
    ["source", "reason"],
)


@contextmanager
def source(name: str) -> Iterator[None]:
    """What is done inside raises from ``schemas.errors`` alone. ``name`` is the service's, for people and metrics."""
    try:
        yield
    except errors.KFixError:
        raise
    except TimeoutError as failure:
        raise errors.TimedOut(f"{name} took too long") from failure
    except Exception as failure:
        SURPRISES.labels(name, "unforeseen").inc()
        log.exception("source.unforeseen", source=name, error=type(failure).__name__)
        # The failure's own text may hold the answer, and so a secret: it is in the masked log alone.
        text = f"{name}: its answer cannot be read ({type(failure).__name__})"
        raise errors.Unavailable(text, reason="unforeseen") from failure


def guarded(name: str) -> Callable[[type[T]], type[T]]:
    """A class decorator: each public method is done inside ``source(name)``."""

    def guard(kind: type[T]) -> type[T]:
        for attribute, member in list(vars(kind).items()):
            if inspect.isfunction(member) and not attribute.startswith("_"):
                setattr(kind, attribute, _inside(name, member))
        return kind

    return guard


def _inside(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def awaited(*args: Any, **more: Any) -> Any:
            with source(name):
                return await method(*args, **more)

        return awaited

    @functools.wraps(method)
    def called(*args: Any, **more: Any) -> Any:
        with source(name):
            return method(*args, **more)

    return called


def same(name: str, asked: Mapping[str, object], answered: object) -> None:
    """Raises errors.Unavailable (``another_answer``) unless the answer carries what was asked, under the same names.

    ``answered`` is a mapping, or an object with attributes. What it lacks counts as another: callers ask only for what
    the service always tells.
    """
    for part, wanted in asked.items():
        found = (
            answered.get(part) if isinstance(answered, Mapping) else getattr(answered, part, None)
        )
        if found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
            raise another(name, part)


def another(name: str, part: str) -> errors.Unavailable:
    """The failure of a source that answered another question; ``part`` says by what that was seen."""
    SURPRISES.labels(name, "another_answer").inc()
    log.error("source.another_answer", source=name, part=part)
    text = f"{name} answered another question: another {part}"
    return errors.Unavailable(text, reason="another_answer")


def mapping(name: str, answered: object) -> dict[str, Any]:
    """The answer as an object of JSON. Raises errors.Unavailable (``malformed``) for anything else."""
    if not isinstance(answered, dict):
        raise errors.Unavailable(f"{name} answered no object", reason="malformed")
    return cast(dict[str, Any], answered)


def mappings(name: str, answered: object) -> list[dict[str, Any]]:
    """The answer as a list of objects of JSON. Raises errors.Unavailable (``malformed``) for anything else."""
    if not isinstance(answered, list | tuple):
        raise errors.Unavailable(f"{name} answered no list", reason="malformed")
    for item in answered:
        mapping(name, item)
    return list(answered)
