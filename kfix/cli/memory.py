"""`kfix memory`: what the vector memory holds, moving it to another embedder, forgetting incidents."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from kfix.cli import outcomes
from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from kfix.infra.memory.opening import OpenedMemory
    from kfix.infra.memory.reembedding import Reembedded

T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Adds ``memory status``, ``reembed`` and ``forget``, and what outcomes changed: ``vetoes``, ``lift``, ``calibration``."""
    group = typer.Typer(help="The memory of earlier incidents.", no_args_is_help=True)
    group.command("status")(status)
    group.command("reembed")(reembed)
    group.command("forget")(forget)
    outcomes.register(group)
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
        tell(f"kfix: {failure}", err=True)
        raise typer.Exit(1) from None


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
