"""`kfix demo`: the whole chain on embedded defaults, from an alert to an outcome."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds ``demo``."""
    app.command("demo")(demo)


def demo(
    scenario: Annotated[str, typer.Option(help="what breaks; see sandbox/scenarios")] = "oom",
    limit_s: Annotated[float, typer.Option(help="seconds the story may take")] = 300.0,
    stay: Annotated[
        bool | None, typer.Option(help="keep everything up afterwards; default: in a terminal")
    ] = None,
) -> None:
    """Breaks something in the sandbox and shows how the alert becomes a merge request, and an outcome."""
    import signal
    import sys

    from kfix.demo.children import DemoFailed
    from kfix.demo.play import Options, play
    from kfix.demo.screen import screen_for

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    terminal = sys.stdout.isatty()
    options = Options(scenario, limit_s, stay=terminal if stay is None else stay)
    try:
        play(options, screen_for(terminal))
    except DemoFailed as failure:
        typer.echo(f"kfix demo: {failure}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
