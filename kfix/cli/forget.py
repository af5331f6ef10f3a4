"""`kfix forget`: everything that K-Fix keeps of incidents, or of a person, goes on request."""

from __future__ import annotations

import asyncio
import getpass
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from kfix.infra.memory.opening import OpenedMemory
    from kfix.infra.settings import Retention
    from kfix.infra.store.forgetting import ChosenIncidents


T = TypeVar("T")
_WHAT = "what is to be forgotten"


def register(app: typer.Typer) -> None:
    """Adds ``forget``."""
    app.command("forget")(forget)


def forget(
    incidents: Annotated[
        list[str] | None, typer.Argument(help="incidents' ids; each with all its attempts")
    ] = None,
    *,
    service: Annotated[str, typer.Option(help="all incidents of this service")] = "",
    before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="all incidents that ended before this day (UTC)"),
    ] = None,
    person: Annotated[
        str,
        typer.Option(help="a person's name as records have it: name and words go, incidents stay"),
    ] = "",
    who: Annotated[str, typer.Option(help="who asks, for the audit; default: your user name")] = "",
    why: Annotated[str, typer.Option(help="why, for the audit; name nobody")] = "",
    act: Annotated[bool, typer.Option("--yes", help="forget; without it rows are counted")] = False,
) -> None:
    """Deletes or blanks what the store and the memory keep of incidents, or takes a person out of it.

    Without --yes it prints how many rows of each table would change. Keys by which nothing happens twice stay, without
    content. An incident whose merge request is open, or whose fix is still watched, is left out: exit 3. What topics still
    hold goes by its retention, which is printed; what is in the forge and in chats is not ours to delete.
    """
    chosen = bool(incidents) or bool(service) or before is not None
    if chosen == bool(person):
        tell("kfix: say which incidents (ids, --service, --before), or one --person", err=True)
        raise typer.Exit(2)
    asked = _Asked(who or getpass.getuser(), why, act)
    if person:
        raise typer.Exit(_run(lambda: asked.person(person)))
    day = before.replace(tzinfo=UTC) if before is not None else None
    raise typer.Exit(_run(lambda: asked.incidents(tuple(incidents or ()), service, day)))


class _Asked:
    """One request: who wants it and why, and whether it is acted on."""

    def __init__(self, who: str, why: str, act: bool) -> None:
        self.who = who
        self.why = why
        self.act = act

    async def incidents(self, ids: tuple[str, ...], service: str, before: datetime | None) -> int:
        """Vectors first: told again after a failure, the rows still say which incidents are meant."""
        from kfix.infra.store.forgetting import choose
        from kfix.infra.store.forgetting import forget as forget_rows
        from kfix.infra.store.transactions import transact

        with _store() as (engine, retention):
            found: ChosenIncidents = await transact(
                engine,
                lambda connection: choose(
                    connection, incident_ids=ids, service=service, before=before
                ),
                what=_WHAT,
            )
            named = tuple(sorted({*found.ids, *ids} - set(found.under_way)))
            vectors = await _memory(engine, lambda memory: _vectors(memory, named, self.act))
            counts = await transact(
                engine,
                lambda connection: forget_rows(connection, found.ids, act=self.act),
                what=_WHAT,
            )
            # The embedded memory's rows were counted, and are gone, as vectors.
            counts = {**counts, "memory_vectors": 0, "vectors": vectors}
            await self._tell(engine, retention, "incidents", len(found.ids), counts)
            _tell_topics(retention, found)
        for url in found.urls:
            tell(f"the forge keeps {url}")
        for one in found.under_way:
            tell(
                f"kfix: {one} is under way: its merge request is open or its fix is watched",
                err=True,
            )
        return 3 if found.under_way else 0

    async def person(self, name: str) -> int:
        """Rows and vectors that name or quote the person."""
        from kfix.infra.memory.people import erase as erase_vectors
        from kfix.infra.store.people import SHORTEST, erase
        from kfix.infra.store.transactions import transact

        name = name.strip().lstrip("@")
        if len(name) < SHORTEST:
            tell(f"kfix: a name of less than {SHORTEST} characters is part of too much", err=True)
            return 2
        with _store() as (engine, retention):
            found = await transact(
                engine, lambda connection: erase(connection, name, act=False), what=_WHAT
            )
            without = found.person.without
            vectors = await _memory(
                engine, lambda memory: erase_vectors(memory, without, act=self.act)
            )
            if self.act:
                found = await transact(
                    engine, lambda connection: erase(connection, name, act=True), what=_WHAT
                )
            counts = {**found.counts, "vectors": vectors}
            await self._tell(engine, retention, "person", len(found.incidents), counts)
            _tell_topics(retention, None)
        return 0

    async def _tell(
        self,
        engine: Engine,
        retention: Retention,
        kind: str,
        incidents: int,
        counts: Mapping[str, int],
    ) -> None:
        from kfix.infra.store.forgetting import audit
        from kfix.infra.store.transactions import transact

        tell(f"incidents\t{incidents}")
        for table, rows in counts.items():
            tell(f"{table}\t{rows}")
        if not self.act:
            tell("nothing was changed: --yes forgets", err=True)
            return
        erasure = f"er-{uuid.uuid4().hex[:16]}"
        await transact(
            engine,
            lambda connection: audit(
                connection,
                erasure_id=erasure,
                at=datetime.now(UTC),
                who=self.who,
                why=self.why,
                kind=kind,
                incidents=incidents,
                counts=counts,
            ),
            what=_WHAT,
        )
        tell(f"kept as {erasure} for {retention.audit_days:g} days: who, when, how many")


def _run(work: Callable[[], Awaitable[int]]) -> int:
    """Its exit code; a failure is told, and is 1."""
    from schemas import errors

    async def done() -> int:
        return await work()

    try:
        return asyncio.run(done())
    except errors.KFixError as failure:
        tell(f"kfix: {failure}", err=True)
        return 1


@contextmanager
def _store() -> Iterator[tuple[Engine, Retention]]:
    from kfix.infra.settings import AppSettings, Retention, load
    from kfix.infra.store.engine import open_store

    retention = load(Retention)
    engine = open_store(load(AppSettings).database_url.get_secret_value())
    try:
        yield engine, retention
    finally:
        engine.dispose()


async def _memory(engine: Engine, work: Callable[[OpenedMemory], Awaitable[T]]) -> T:
    from kfix.infra.memory.opening import open_memory

    async with open_memory(engine) as memory:
        return await work(memory)


async def _vectors(memory: OpenedMemory, ids: tuple[str, ...], act: bool) -> int:
    """How many vectors, of every model, these incidents have; with ``act`` they are deleted."""
    from kfix.infra.memory.index import batches

    found = 0
    for space in await memory.index.spaces():
        for some in batches(ids):
            found += len(await memory.index.known(some, model=space.model))
            if act:
                await memory.index.forget(some, model=space.model)
    return found


def _tell_topics(retention: Retention, found: ChosenIncidents | None) -> None:
    """When the last record that may hold something of it is gone from the topics, by their retention."""
    newest = found.newest_at if found is not None else None
    at = (newest or datetime.now(UTC)).replace(tzinfo=UTC)
    for what, days in (
        ("topics", retention.topics_days),
        ("dead letters", retention.dead_letters_days),
    ):
        last = (at + timedelta(days=days)).date().isoformat()
        tell(
            f"{what}: records are gone by {last} ({days:g} days; kfix topics check compares the broker)"
        )
