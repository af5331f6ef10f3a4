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
        _print(result, as_text=as_text)
    if failed:
        raise typer.Exit(1)


def _answer(given: Any, language: str) -> dict[str, Any]:
    from kfix.offline.diagnose import diagnose_case, failure, opened

    name = given.name
    try:
        with opened(given) as case:
            return diagnose_case(case, language)
    except Exception as error:  # noqa: BLE001 -- one broken folder must not hide the answers to the others
        return failure(name, error)


def _print(result: dict[str, Any], *, as_text: bool) -> None:
    if as_text:
        typer.echo(text_of(result))
        return
    import orjson

    sys.stdout.buffer.write(orjson.dumps(result, option=orjson.OPT_NON_STR_KEYS) + b"\n")
    sys.stdout.buffer.flush()


def text_of(result: dict[str, Any]) -> str:
    """An answer for people."""
    lines = [
        f"# {result['case']}: {result['status']}"
        + (f" ({result['reason']})" if result["reason"] else "")
    ]
    if "error" in result:
        return "\n".join([*lines, result["error"], ""])
    analysis = result["ai_analysis"]
    lines += [
        result["explanation"],
        "",
        f"{analysis['root_cause']}  [{analysis['confidence']:.2f}]",
    ]
    told = set(result["hypotheses"][0]["evidence_for"]) if result["hypotheses"] else set()
    lines += [
        f"  {e['id']} {e['source']}: {e['statement']}"
        for e in analysis["evidence"]
        if e["id"] in told
    ]
    lines += _steps_of(result["next_steps"])
    lines += ["", "Hypotheses:"]
    lines += [
        f"  {h['confidence']:.2f} {h['failure_class']} {h['object']}" for h in result["hypotheses"]
    ]
    actions = [result["recommended_action"], *result["alternative_actions"]]
    for plan in (a for a in actions if a):
        lines += [
            "",
            f"Plan {plan['priority']}: {plan['title']}  [{plan['confidence']:.2f}]",
            f"  {plan['justification']}",
        ]
        if plan.get("rejected_by"):
            lines.append(f"  rejected by {', '.join(plan['rejected_by'])}")
        if plan.get("by_hand"):
            lines += ["  By hand:", *(f"    {line}" for line in plan["by_hand"].splitlines())]
    checks = [f"  {c['verdict']:7} {c['name']}: {c['reason']}" for c in result["safety_checks"]]
    if checks:
        lines += ["", "Checks of the recommended plan:", *checks]
    unread = result.get("not_read", ())
    if unread:
        lines += ["", "Not read:", *(f"  {one['name']}: {one['reason']}" for one in unread)]
    return "\n".join([*lines, "", result["diff"]])


def _steps_of(steps: list[dict[str, Any]]) -> list[str]:
    """What to look at next, numbered, each command on a line of its own; nothing without steps."""
    lines = ["", "Next:"] if steps else []
    for at, step in enumerate(steps, 1):
        lines.append(f"  {at}. {step['what']}")
        lines += [f"     {line}" for line in (step["command"], step["link"]) if line]
    return lines
