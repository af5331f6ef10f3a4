"""`kfix memory`: what the vector memory holds, moving it to another embedder, forgetting incidents."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from kfix.cli import outcomes
from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from kfix.infra.memory.opening import OpenedMemory
    from kfix.infra.memory.reembedding import Reembedded

T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Adds ``memory status``, ``reembed``, ``forget``, ``export``, ``import``, and what outcomes changed: ``vetoes``,
    ``lift``, ``calibration``.
    """
    group = typer.Typer(help="The memory of earlier incidents.", no_args_is_help=True)
    group.command("status")(status)
    group.command("reembed")(reembed)
    group.command("forget")(forget)
    outcomes.register(group)
    group.command("export")(export)
    group.command("import")(bring_in)
    app.add_typer(group, name="memory")


def status() -> None:
    """Prints each model's vectors; exit 1 when some are of another model than KFIX_MEMORY_EMBEDDER's: nobody finds those."""

    async def counted(memory: OpenedMemory) -> bool:
        spaces = await memory.index.spaces()
        for space in spaces:
            found = "in use" if space.model == memory.embedder.model else "not found by anybody"
            tell(f"{space.model}\t{space.dimension} numbers\t{space.count} vectors\t{found}")
        others = [space for space in spaces if space.model != memory.embedder.model]
        if others:
            tell("kfix memory reembed moves them", err=True)
        return not others

    raise typer.Exit(0 if _with_memory(counted) else 1)


def reembed(
    batch: Annotated[int, typer.Option(min=1, max=100, help="vectors at a time")] = 50,
    keep: Annotated[bool, typer.Option("--keep", help="leave the old vectors as well")] = False,
) -> None:
    """Makes vectors of other models anew with KFIX_MEMORY_EMBEDDER. Stopped half-way, it goes on when called again.

    Run it while learn is stopped: an outcome told meanwhile may be remembered as it was before. Exit 1 when some have no
    text to be made of.
    """
    from kfix.infra.memory.reembedding import reembed as moving

    async def moved(memory: OpenedMemory) -> bool:
        last: dict[str, Reembedded] = {}
        async with _bar() as advance:
            async for each in moving(memory, batch=batch, keep=keep):
                last[each.space.model] = each
                advance(each)
        for each in last.values():
            tell(
                f"{each.space.model} to {memory.embedder.model}: {each.made} made, "
                f"{each.there} there already, {each.without_text} without text"
            )
        if not last:
            tell(f"all vectors are of {memory.embedder.model}")
        return not any(each.without_text for each in last.values())

    raise typer.Exit(0 if _with_memory(moved) else 1)


def forget(
    incidents: Annotated[list[str], typer.Argument(help="the incidents' ids")],
) -> None:
    """Deletes what is remembered of these incidents, of every model. Exit 1 when one was not remembered."""
    from kfix.infra.memory.index import batches

    async def forgotten(memory: OpenedMemory) -> set[str]:
        found: set[str] = set()
        for space in await memory.index.spaces():
            for ids in batches(incidents):
                found |= await memory.index.known(ids, model=space.model)
                await memory.index.forget(ids, model=space.model)
        return found

    found = _with_memory(forgotten)
    for incident in dict.fromkeys(incidents):
        tell(f"{incident}: {'forgotten' if incident in found else 'was not remembered'}")
    raise typer.Exit(0 if found >= set(incidents) else 1)


def export(
    file: Annotated[Path, typer.Argument(help="where to; an older file is replaced")],
) -> None:
    """Writes what is remembered, of every model, as JSON lines with a checksum: texts and outcomes, no vectors.

    Exit 1 when some have no text: those cannot be made anew elsewhere and are left out.
    """
    from datetime import UTC, datetime

    from kfix.infra.memory.exchange import export as writing

    async def written(memory: OpenedMemory) -> bool:
        done = None
        total = sum(space.count for space in await memory.index.spaces())
        with _progress("written", total) as advance:
            async for done in writing(memory, file, at=datetime.now(UTC)):
                advance(done.written + done.without_text)
        written, without = (done.written, done.without_text) if done else (0, 0)
        tell(f"{written} written, {without} without text left out")
        return not without

    raise typer.Exit(0 if _with_memory(written) else 1)


def bring_in(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="an export")],
    replace: Annotated[
        bool, typer.Option("--replace", help="also what is remembered already")
    ] = False,
) -> None:
    """Remembers what an export holds, with vectors of KFIX_MEMORY_EMBEDDER. Again is fine: what is there stays.

    A file that is damaged is refused with the numbers of its lines, and nothing is changed: exit 3.
    """
    from kfix.infra.memory.exchange import bring_in as reading
    from kfix.infra.settings import AppSettings, load

    console_url = load(AppSettings).console_url

    async def read(memory: OpenedMemory) -> None:
        done = None
        with _progress("remembered", None) as advance:
            async for done in reading(memory, file, console_url=console_url, replace=replace):
                advance(done.made + done.there + done.empty, done.total)
        made, there, empty = (done.made, done.there, done.empty) if done else (0, 0, 0)
        tell(f"{made} made, {there} there already, {empty} without words left out")

    _with_memory(read)


def _with_memory(work: Callable[[OpenedMemory], Awaitable[T]]) -> T:
    """Does it on the memory of the settings. A failure is told; exit 1."""
    from kfix.infra.memory.opening import open_memory
    from kfix.infra.settings import AppSettings, load
    from kfix.infra.store.engine import open_store
    from schemas import errors

    async def done() -> T:
        engine = open_store(load(AppSettings).database_url.get_secret_value())
        try:
            async with open_memory(engine) as memory:
                return await work(memory)
        finally:
            engine.dispose()

    try:
        return asyncio.run(done())
    except errors.KFixError as failure:
        for line in getattr(failure, "lines", (failure,)):
            tell(f"kfix: {line}", err=True)
        raise typer.Exit(3 if failure.reason == "bad_file" else 1) from None
    except OSError as failure:
        tell(f"kfix: {failure.filename}: {failure.strerror}", err=True)
        raise typer.Exit(1) from None


@contextmanager
def _progress(what: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A bar on the error stream, where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total)

        def advance(completed: int, total: int | None = total) -> None:
            bar.update(task, completed=completed, total=total)

        yield advance


@asynccontextmanager
async def _bar() -> AsyncIterator[Callable[[Reembedded], None]]:
    """A bar for each space on the error stream, where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    tasks: dict[str, TaskID] = {}
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bar:

        def advance(moved: Reembedded) -> None:
            model = moved.space.model
            if model not in tasks:
                tasks[model] = bar.add_task(model, total=moved.space.count)
            bar.update(tasks[model], completed=moved.seen)

        yield advance
