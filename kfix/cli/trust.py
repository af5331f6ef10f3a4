"""`kfix trust`: how far fixes can be trusted, as the console's projection has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from datetime import timedelta

    from console.settings import Console
    from kfix.incident.trust.figures import ClassFigures, Times, TrustFigures
    from kfix.incident.trust.intervals import Rate


def register(app: typer.Typer) -> None:
    """Adds ``trust``."""
    app.command("trust")(trust)


def trust(
    since: Annotated[str, typer.Option(help="30d and the like, or all")] = "30d",
    output: Annotated[Literal["text", "json"], typer.Option(help="text or json")] = "text",
) -> None:
    """How fixes fared: merged, held, false and taken back with 95 % intervals, times, costs. Exit 2 for a range that is none."""
    import json

    from console.core.trust_output import range_of, trust_json
    from console.settings import Console
    from kfix.infra.settings import load

    try:
        span = range_of(since)
    except ValueError as failure:
        typer.echo(f"kfix: --since: {failure}", err=True)
        raise typer.Exit(2) from None
    settings = load(Console)
    found = _figures(span, settings)
    if output == "json":
        told = trust_json(found, settings.currency)
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for line in _lines(found, settings.currency):
        tell(line)


def _figures(span: timedelta | None, settings: Console) -> TrustFigures:
    import asyncio
    from datetime import UTC, datetime

    from console.adapters.sql import SqlProjection
    from kfix.incident.trust.figures import ModelPrice
    from kfix.infra.settings import AppSettings, load
    from kfix.infra.store.engine import open_store
    from schemas import errors

    prices = {model: ModelPrice(*price) for model, price in settings.model_prices.items()}
    now = datetime.now(UTC)
    try:
        engine = open_store(load(AppSettings).database_url.get_secret_value())
        try:
            asked = SqlProjection(engine).trust(
                prices, since=None if span is None else now - span, until=now
            )
            return asyncio.run(asked)
        finally:
            engine.dispose()
    except errors.KFixError as failure:
        typer.echo(f"kfix: {failure}", err=True)
        raise typer.Exit(1) from None


def _lines(found: TrustFigures, currency: str) -> list[str]:
    lines = [f"{found.incidents} incidents, {found.total.proposed} merge requests"]
    for one in (found.total, *found.classes):
        lines += _class(one)
    lines += [
        f"not proposed\t{one.count}\t{one.status} {one.reason}".rstrip()
        for one in found.not_proposed
    ]
    lines += [
        f"{one.incidents} incidents\t{one.name} {one.cluster} {one.title}".rstrip()
        for one in (*found.objects, *found.monitors)
    ]
    lines += [
        f"came back\t{fix.incident_id}\t{fix.failure_class}\t{fix.object_key}"
        for fix in found.came_back
    ]
    for use in found.cost.uses:
        money = found.cost.money.get(use.model)
        price = "no price is set" if money is None else f"{money:.4f} {currency}"
        read, wrote = use.input_tokens, use.output_tokens
        lines.append(f"{use.model}\t{use.calls} calls, {read} + {wrote} tokens, {price}")
    return lines


def _class(one: ClassFigures) -> list[str]:
    name = one.failure_class or "all"
    return [
        f"{name}\tmerged {_rate(one.acceptance)}, held {_rate(one.held)}, "
        f"false {_rate(one.false_fixes)}, taken back {_rate(one.taken_back)}",
        f"{name}\tto merge request {_times(one.to_merge_request)}, to merge {_times(one.to_merge)}, "
        f"to recovery {_times(one.to_recovery)}",
    ]


def _rate(rate: Rate) -> str:
    if rate.share is None:
        return "0/0"
    low, high = rate.interval
    return f"{rate.hits}/{rate.of} ({low:.0%}–{high:.0%})"


def _times(times: Times) -> str:
    if times.median_s is None or times.p90_s is None:
        return "–"
    return f"{times.median_s / 60:.1f} min (p90 {times.p90_s / 60:.1f}, n {times.n})"
