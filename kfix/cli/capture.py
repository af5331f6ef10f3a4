"""`kfix capture`: what the rules use of a running cluster, into a folder that `kfix diagnose` reads."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from kfix.incident.cluster_names import Fleet
    from kfix.infra.clusters import KnownCluster
    from kfix.offline.capturing.alerts import GivenAlert
    from kfix.offline.capturing.reading import CaptureBounds, ReadCluster

_FAILED, _NOTHING, _REFUSED = 1, 2, 3


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("capture")(capture)


def capture(
    *,
    out: Annotated[Path, typer.Option(help="Folder to write; new, or empty.")],
    namespace: Annotated[
        list[str] | None,
        typer.Option(help="Read this namespace, repeatable; none here and in the alert: all."),
    ] = None,
    alert: Annotated[
        Path | None, typer.Option(help="A webhook's payload; its tags name namespaces, too.")
    ] = None,
    cluster: Annotated[
        str, typer.Option(help="Which of several configured clusters; none: the alert's.")
    ] = "",
    print_kubectl: Annotated[
        bool, typer.Option("--print-kubectl", help="Print kubectl's commands; read nothing.")
    ] = False,
    logs: Annotated[int, typer.Option(help="Containers' logs at most.", min=0, max=1000)] = 60,
    within: Annotated[
        float, typer.Option(help="Seconds for all lists, and for all logs.", min=1)
    ] = 120.0,
) -> None:
    """Capture what the rules use of the configured cluster (KFIX_KUBERNETES_…): read-only, bounded, masked.

    Exit codes: 0 written, also where a part could not be read (a line each on standard error); 1 the folder could not
    be written; 2 wrong usage, or nothing could be read; 3 refused.
    """
    from kfix.infra.settings import load
    from kfix.offline.capturing.alerts import BadAlert, read_alert
    from kfix.offline.capturing.reading import CaptureBounds
    from kfix.offline.capturing.writing import is_namespace

    try:
        given = read_alert(alert) if alert is not None else None
    except BadAlert as failure:
        _end(_NOTHING, str(failure))
    names = tuple(dict.fromkeys((*(namespace or ()), *(given.namespaces if given else ()))))
    for name in names:
        if not is_namespace(name):
            _end(_NOTHING, f"no namespace can be called {ascii(name)[:80]}")
    from enrich.settings import Enrich

    bounds = CaptureBounds(logs=logs, within_s=within, log_lines=load(Enrich).log_lines)
    known = _chosen(cluster, given)
    if print_kubectl:
        _print_commands(names, out, alert, bounds, known)
        return
    _check(out, given, known)
    read = _read(names, given, bounds, known)
    _write(out, read, given)


def _chosen(name: str, given: GivenAlert | None) -> KnownCluster:
    """The cluster of that name, else the only one, else the one that the alert is about."""
    from kfix.infra.clusters import clusters, fleet

    known = clusters()
    names = ", ".join(one.own.name for one in known)
    if name:
        found = [one for one in known if one.own.is_named(name)]
        if len(found) != 1:
            _end(_NOTHING, f"no cluster is called {ascii(name)[:200]}; there are: {names}")
        return found[0]
    if len(known) == 1:
        return known[0]
    own = given.about(fleet()) if given is not None else None
    if own is None:
        _end(_NOTHING, f"several clusters are configured; name one with --cluster: {names}")
    return next(one for one in known if one.own == own)


def _alone(known: KnownCluster) -> Fleet:
    """The cluster that is read, as alerts are compared with it."""
    from kfix.infra.clusters import fleet

    return replace(fleet(), clusters=(known.own,))


def _print_commands(
    names: tuple[str, ...],
    out: Path,
    alert: Path | None,
    bounds: CaptureBounds,
    known: KnownCluster,
) -> None:
    from kfix.offline.capturing.kubectl import commands

    connection = known.connection
    found = commands(
        names, out, bounds, context=connection.context, kubeconfig=connection.kubeconfig
    )
    for line in found:
        typer.echo(line)
    if alert is not None:
        typer.echo(f"cp -- {shlex.quote(str(alert))} {shlex.quote(str(out / 'alert.json'))}")


def _check(out: Path, given: GivenAlert | None, known: KnownCluster) -> None:
    """Refuses before anything is read."""
    from kfix.infra.clients import kubernetes
    from kfix.offline.capturing.writing import FolderTaken, check_free

    try:
        check_free(out)
    except FolderTaken as taken:
        _end(_REFUSED, str(taken))
    except OSError as failure:
        _end(_FAILED, f"{out}: {failure.strerror}")
    if not kubernetes.configured(known.connection):
        _end(
            _NOTHING,
            "nothing could be read: no cluster is configured; set KFIX_KUBERNETES_KUBECONFIG (and "
            "KFIX_KUBERNETES_CONTEXT), or KFIX_KUBERNETES_URL and KFIX_KUBERNETES_TOKEN",
        )
    if given is not None and given.is_strange(_alone(known)):
        named = ", ".join(given.clusters)
        _end(
            _REFUSED, f"the alert is about the cluster {ascii(named)[:200]}, which is not this one"
        )


def _read(
    names: tuple[str, ...],
    given: GivenAlert | None,
    bounds: CaptureBounds,
    known: KnownCluster,
) -> ReadCluster:
    from kfix.infra.clients.kubernetes import open_kubernetes
    from kfix.infra.telemetry import logs
    from kfix.offline.capturing.reading import NothingRead, read_cluster, told
    from schemas import errors

    # Each retry is no news to who waits for a bar.
    logs.configure("ERROR", people=True, cached=False)

    async def reading() -> ReadCluster:
        async with open_kubernetes(known.connection) as client:
            with _Bar() as bar:
                alert = given.alert if given else None
                return await read_cluster(client, names, bounds, alert, bar)

    try:
        read = asyncio.run(reading())
    except NothingRead as failure:
        _end(_NOTHING, f"nothing could be read: {failure}")
    except (errors.Retryable, errors.Permanent) as failure:
        _end(_NOTHING, f"nothing could be read: {told(failure)}")
    if given is not None and given.is_strange(_alone(known), read.objects):
        _end(_REFUSED, "the alert is about another cluster: the uid of kube-system differs")
    return read


def _write(out: Path, read: ReadCluster, given: GivenAlert | None) -> None:
    from kfix.offline.capturing.writing import FolderTaken, write_case

    try:
        unread = write_case(out, read, given.payload if given else None)
        if given is not None:
            # An alert that tells no time is as old as its file.
            os.utime(out / "alert.json", (given.modified_at, given.modified_at))
    except FolderTaken as taken:
        _end(_REFUSED, str(taken))
    except OSError as failure:
        _end(_FAILED, f"{out} could not be written: {failure.strerror}")
    _tell(f"not read: {one.name}: {one.reason}" for one in unread)
    if read.not_served:
        _tell([f"the cluster does not serve: {', '.join(read.not_served)}"])
    number = sum(map(len, read.lists.values()))
    _tell([f"{number} objects and {len(read.logs)} logs are in {out}: kfix diagnose {out}"])


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        tell(f"kfix: {line}", err=True)


def _end(code: int, line: str) -> NoReturn:
    _tell([line])
    raise typer.Exit(code)


class _Bar:
    """``Progress`` as a bar on standard error, where that is a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self._bar: Any = Progress(console=console, transient=True, disable=not sys.stderr.isatty())
        self._task: Any = None

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, what: str, steps: int) -> None:
        """A bar of so many steps."""
        self._task = self._bar.add_task(f"Reading {what}", total=steps)

    def step(self) -> None:
        """One step further."""
        self._bar.advance(self._task)
