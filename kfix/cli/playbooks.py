"""`kfix playbooks`: for people who write playbooks. Lists, checks, explains and tries them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from decide.core.playbooks import Compiled, Playbooks, Trace
    from schemas.context import ContextBundle

FolderOption = Annotated[
    str,
    typer.Option(
        help="Folder of your own; by default KFIX_DECIDE_PLAYBOOKS_DIR.", show_default=False
    ),
]
_FAILED, _WRONG_USAGE = 1, 2


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Kinds of failure of your own: list, check and try playbooks.")
    group.command("list")(list_)
    group.command("check")(check)
    group.command("schema")(schema)
    group.command("test")(try_)
    app.add_typer(group, name="playbooks", no_args_is_help=True)


def list_(folder: FolderOption = "", language: str = "en") -> None:
    """The playbooks in use, with the kind that each looks at and its plans."""
    for compiled in _loaded(folder).entries:
        playbook = compiled.playbook
        plans = ", ".join(step.fix for step in playbook.plans) or "hand-off"
        title = compiled.entry.title(language)
        typer.echo(f"{playbook.id:32} {playbook.for_:24} {plans:20} {title}  [{compiled.file}]")


def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Files; none: all in use.")] = None,
    folder: FolderOption = "",
) -> None:
    """Whether playbooks can be used. Exit 1 with file, line and reason of every problem."""
    playbooks = _compiled(files) if files else _loaded(folder)
    typer.echo(f"{len(playbooks.entries)} playbooks, no problem")


def schema() -> None:
    """The JSON schema of a playbook, for editors."""
    import orjson

    from decide.core.playbooks import Playbook

    text = orjson.dumps(Playbook.model_json_schema(), option=orjson.OPT_INDENT_2)
    sys.stdout.buffer.write(text + b"\n")


def try_(
    file: Annotated[Path, typer.Argument(help="The playbook.")],
    *,
    case: Annotated[
        Path | None, typer.Option(help="A case folder, as kfix diagnose takes it.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="A context.bundle record as JSON.")] = None,
    language: Annotated[str, typer.Option(help="en or fr.")] = "en",
) -> None:
    """What a playbook sees in a case: each condition with its value, then the diagnosis and the plan that come of it.

    Exit codes: 0 it matched, 1 it did not or something could not be read, 2 wrong usage.
    """
    if (case is None) == (bundle is None) or language not in ("en", "fr"):
        typer.echo("give either --case or --bundle; --language is en or fr", err=True)
        raise typer.Exit(_WRONG_USAGE)
    from decide.core.playbooks import look
    from decide.core.view import ClusterView

    (compiled,) = _compiled([file]).entries
    evidence = _bundle_of(case, bundle)
    traces = list(look(ClusterView(evidence), compiled, language))
    _show(compiled, traces)
    if not any(trace.finding for trace in traces):
        typer.echo("\nno match: no diagnosis")
        raise typer.Exit(_FAILED)
    _decide(compiled, evidence, language)


def _show(compiled: Compiled, traces: list[Trace]) -> None:
    playbook = compiled.playbook
    needs = f" that have {', '.join(playbook.needs)}" if playbook.needs else ""
    tell(f"{playbook.id}: {len(traces)} objects of kind {playbook.for_}{needs}")
    for trace in traces:
        matched = trace.finding is not None
        typer.echo()
        tell(f"{trace.ref.key}: {'matches' if matched else 'does not match'}")
        for text, value in trace.steps:
            tell(f"  {_word(value):14} {' '.join(text.split())}")
        if trace.finding is not None:
            tell(f"  says           {trace.finding.detail}")
            for fact in trace.finding.evidence:
                tell(f"  evidence       {fact.source}: {fact.statement}")
            made = len(trace.finding.facts.drafts)
            tell(f"  plans          {made} of {len(playbook.plans)} apply")


def _word(value: object) -> str:
    import orjson

    from decide.core.playbooks.cel import Failed

    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Failed):
        return f"error: {value.reason}"
    text = orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return f"= {text.decode()[:60]}"


def _decide(compiled: Compiled, evidence: ContextBundle, language: str) -> None:
    """The whole answer with this playbook beside the rules: it may not be what is chosen."""
    from decide import core
    from decide.core.playbooks import Playbooks

    verdict = core.diagnose(evidence, language=language, playbooks=Playbooks((compiled,)))
    reason = f" ({verdict.reason})" if verdict.reason else ""
    typer.echo()
    tell(f"{verdict.status}{reason}: {verdict.explanation}")
    analysis = verdict.analysis
    for hypothesis in analysis.hypotheses if analysis else ():
        mark = "<-" if hypothesis.failure_class == compiled.playbook.id else ""
        tell(
            f"  {hypothesis.confidence:.2f} {hypothesis.failure_class} {hypothesis.object.key} {mark}"
        )
    for plan in verdict.plans:
        typer.echo()
        tell(f"Plan {plan.priority} ({plan.origin}): {plan.title}  [{plan.confidence:.2f}]")
        tell(f"  {plan.justification}")
        for change in plan.kubernetes_changes:
            for field in change.fields:
                tell(f"  {change.object.key} {field.path}: {field.before!r} -> {field.after!r}")


def _compiled(files: list[Path]) -> Playbooks:
    from decide.adapters.playbooks import source_of
    from decide.core.playbooks import BadPlaybooks, compile_all

    try:
        return compile_all([source_of(file) for file in files])
    except BadPlaybooks as bad:
        typer.echo(str(bad), err=True)
        raise typer.Exit(_FAILED) from bad


def _loaded(folder: str) -> Playbooks:
    from decide.adapters.playbooks import load_playbooks
    from decide.core.playbooks import BadPlaybooks
    from decide.settings import Decide
    from kfix.infra.settings import load

    try:
        return load_playbooks(folder or load(Decide).playbooks_dir)
    except BadPlaybooks as bad:
        typer.echo(str(bad), err=True)
        raise typer.Exit(_FAILED) from bad


def _bundle_of(case: Path | None, bundle: Path | None) -> Any:
    from pydantic import ValidationError

    from enrich.adapters.capture import read_capture
    from kfix.offline.diagnose import BadCase, bundle_of, case_of
    from schemas.context import ContextBundle

    try:
        if bundle is not None:
            return ContextBundle.model_validate_json(bundle.read_bytes())
        assert case is not None
        found = case_of(case)
        return bundle_of(found, read_capture(found.dump, found.repository, found.folder))
    except (BadCase, OSError, ValidationError) as error:
        tell(f"{case or bundle}: {error}", err=True)
        raise typer.Exit(_FAILED) from error
