"""`kfix memory vetoes`, `lift` and `calibration`: what outcomes changed, and a person's word against it."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args

import typer

from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from decide.adapters.trials import SqlTrialBook

T = TypeVar("T")


def register(group: typer.Typer) -> None:
    """Adds ``vetoes``, ``lift`` and ``calibration``."""
    group.command("vetoes")(vetoes)
    group.command("lift")(lift)
    group.command("calibration")(calibration)


def vetoes() -> None:
    """Prints the kinds of fixes that are not proposed again, one a line: object, fix, cluster, incidents in which it failed."""
    from decide.core.experience.vetoes import standing_vetoes

    async def found(book: SqlTrialBook) -> list[str]:
        failed, lifted = await book.failures(), await book.lifted()
        return [
            f"{one.object_key}\t{one.fix_kind}\t{one.cluster or '-'}\t{', '.join(one.incidents)}"
            for one in standing_vetoes(failed, lifted)
        ]

    for line in _with_book(found):
        tell(line)


def lift(
    object_key: Annotated[str, typer.Argument(metavar="OBJECT", help="Kind/namespace/name")],
    fix_kind: Annotated[str, typer.Argument(metavar="FIX", help="as set_memory")],
    cluster: Annotated[str, typer.Option(help="in this cluster alone; else in all")] = "",
    by: Annotated[str, typer.Option(help="who says so; else this machine's user")] = "",
    reason: Annotated[str, typer.Option(help="why, for whoever reads it later")] = "",
) -> None:
    """Lets a kind of fix be proposed on an object again, although it failed twice. Who and when is kept.

    What failed up to now counts no more; two further failures end it again. Exit 1 when nothing stood against it.
    """
    from decide.core.experience.trials import LiftedVeto
    from decide.core.experience.vetoes import standing_vetoes
    from kfix.incident.redaction import mask
    from schemas.base import ObjectRef
    from schemas.plans import FixKind

    if fix_kind not in get_args(FixKind):
        raise typer.BadParameter(
            f"no kind of fix: {fix_kind}; there are {', '.join(get_args(FixKind))}"
        )
    try:
        key = ObjectRef.parse(object_key).key
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None
    word = LiftedVeto(
        cluster=cluster,
        object_key=key,
        fix_kind=fix_kind,
        lifted_at=datetime.now(UTC),
        lifted_by=(by or getpass.getuser())[:200],
        reason=mask(reason)[:500],
    )

    async def lifted(book: SqlTrialBook) -> bool:
        standing = standing_vetoes(await book.failures(), await book.lifted())
        await book.lift(word)
        return any(word.about(one.object_key, one.fix_kind, one.cluster) for one in standing)

    stood = _with_book(lifted)
    tell(
        f"{key} {fix_kind}: {'lifted' if stood else 'nothing stood against it'}, by {word.lifted_by}"
    )
    raise typer.Exit(0 if stood else 1)


def calibration(
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    svg: Annotated[Path | None, typer.Option(help="draw it into this file as well")] = None,
) -> None:
    """Prints predicted confidence beside what held after merges, by tenths, and the map that is in use."""
    from decide.core.experience.reliability import drawn, reliability

    async def asked(book: SqlTrialBook) -> str:
        found = reliability(await book.predictions())
        if svg is not None:
            svg.write_text(drawn(found), "utf-8")
        if as_json:
            return json.dumps(asdict(found), indent=2)
        rows = ["predicted\toutcomes\tmean\theld\t95 %\ttold"]
        rows += [
            f"{bar.tenth / 10:.1f}-{(bar.tenth + 1) / 10:.1f}\t{bar.count}\t{bar.predicted:.2f}\t"
            f"{bar.held:.2f}\t{bar.low:.2f}-{bar.high:.2f}\t{bar.said:.2f}"
            for bar in found.bars
        ]
        fit = found.fit
        rows.append(
            f"logit(told) = {fit.constant:.3f} + {fit.slope:.3f} logit(predicted), {fit.outcomes} outcomes; "
            f"expected calibration error {found.error:.3f}, told {found.error_said:.3f}"
        )
        return "\n".join(rows)

    for line in _with_book(asked).splitlines():
        typer.echo(line) if as_json else tell(line)


def _with_book(work: Callable[[SqlTrialBook], Awaitable[T]]) -> T:
    """Does it on the store of the settings. A failure is told; exit 1."""
    from decide.adapters.trials import SqlTrialBook
    from kfix.infra.settings import AppSettings, load
    from kfix.infra.store.engine import open_store
    from schemas import errors

    async def done() -> T:
        engine = open_store(load(AppSettings).database_url.get_secret_value())
        try:
            return await work(SqlTrialBook(engine, timedelta(0)))
        finally:
            engine.dispose()

    try:
        return asyncio.run(done())
    except errors.KFixError as failure:
        tell(f"kfix: {failure}", err=True)
        raise typer.Exit(1) from None
