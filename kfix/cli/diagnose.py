"""`kfix diagnose`: a diagnosis and a diff from a captured case, without broker, network or model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("diagnose")(diagnose)


def diagnose(
    cases: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders or archives (.tar.gz, .zip): cases as kfix capture writes them, or dumps of a cluster."
        ),
    ] = None,
    *,
    alert: Annotated[
        Path | None, typer.Option(help="A Datadog webhook's payload; without one: what is worst?")
    ] = None,
    dump: Annotated[
        Path | None,
        typer.Option(help="A folder, archive or file of what kubectl wrote of a cluster."),
    ] = None,
    repo: Annotated[
        Path | None, typer.Option(help="The deployment repository's working tree.")
    ] = None,
    output: Annotated[str, typer.Option(help="json (one line a case) or text.")] = "",
    language: Annotated[str, typer.Option(help="en or fr.")] = "en",
) -> None:
    """Diagnose captured cases. Exit 1 when a case could not be read; its object says why."""
    if output not in ("", "json", "text") or language not in ("en", "fr"):
        typer.echo("--output is json or text, --language is en or fr", err=True)
        raise typer.Exit(2)
    if not cases and dump is None:
        typer.echo("give folders, or --dump with or without --alert", err=True)
        raise typer.Exit(2)
    from kfix.offline.diagnose import CapturedCase

    given: list[Path | CapturedCase] = list(cases or [])
    if dump is not None:
        given.append(CapturedCase((alert or dump).resolve().stem, alert, dump, repo))
    as_text = output == "text" or (not output and sys.stdout.isatty())
    failed = 0
    for one in given:
        result = _answer(one, language)
        failed += "error" in result
        _print(result, language, as_text=as_text)
    if failed:
        raise typer.Exit(1)


def _answer(given: Any, language: str) -> dict[str, Any]:
    from kfix.offline.diagnose import diagnose_case, failure, opened

    name = given.name
    try:
        with opened(given) as case:
            return diagnose_case(case, language)
    except Exception as error:  # noqa: BLE001 -- one broken folder must not hide the answers to the others
        return failure(name, error, language)


def _print(result: dict[str, Any], language: str, *, as_text: bool) -> None:
    if as_text:
        from kfix.offline.telling import text_of

        typer.echo(text_of(result, language))
        return
    import orjson

    sys.stdout.buffer.write(orjson.dumps(result, option=orjson.OPT_NON_STR_KEYS) + b"\n")
    sys.stdout.buffer.flush()
