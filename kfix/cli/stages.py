"""`kfix run` and `kfix up`: stages at work until they are asked to stop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kfix.engine.runtime.process import Process


def register(app: typer.Typer) -> None:
    """Adds ``run`` and ``up``."""
    app.command("run")(run)
    app.command("up")(up)


def run(
    stage: Annotated[
        str,
        typer.Argument(
            help="ingest, enrich, decide, safety, publish, learn, console or module:attribute"
        ),
    ],
) -> None:
    """Runs one stage in this process until SIGTERM."""
    _serve([stage])


def up(
    only: Annotated[str, typer.Option(help="names of stages, with commas; all when empty")] = "",
) -> None:
    """Runs all stages in this process until SIGTERM, on an embedded broker unless KFIX_KAFKA_BOOTSTRAP is set."""
    from kfix.cli.stage_registry import NAMES

    _serve([name.strip() for name in only.split(",") if name.strip()] or list(NAMES))


def _serve(names: list[str]) -> None:
    import sys

    import uvloop

    from kfix.cli.settings import of_stages
    from kfix.cli.stage_registry import find
    from kfix.engine.runtime.process import serve
    from kfix.engine.runtime.settings import Runtime
    from kfix.infra import settings
    from kfix.infra.clients import prometheus
    from kfix.infra.clusters import fleet
    from kfix.infra.telemetry import logs
    from schemas import errors

    # All of them before anything opens: a stage that opens late must not find out late.
    settings.check(of_stages(names))
    fleet()
    series = settings.load(prometheus.PrometheusConnection)
    if {"enrich", "learn"}.intersection(names) and (trouble := prometheus.complaint(series)):
        raise settings.BadSettings([trouble])
    logs.configure(settings.load(settings.AppSettings).log_level, people=sys.stderr.isatty())
    try:
        uvloop.run(
            serve(
                [find(name) for name in names],
                kafka=settings.load(settings.Kafka),
                settings=settings.load(Runtime),
                on_ready=_tell,
            )
        )
    except errors.KFixError as failure:
        typer.echo(f"kfix: {failure}", err=True)
        raise typer.Exit(1) from None


def _tell(process: Process) -> None:
    """One JSON line on stdout when everything is joined and listens: for scripts that wait for it."""
    line = {
        "event": "process.ready",
        "bootstrap": process.brokers.bootstrap,
        "embedded": process.brokers.embedded,
        "urls": process.urls,
    }
    print(json.dumps(line), flush=True)
