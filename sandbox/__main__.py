"""``python -m sandbox``: the sandbox until it is stopped; one JSON line says where everything is.

The line: ``{"event": "sandbox.ready", "urls": {…}, "tokens": {…}, "environment": {…}, "model_environment": {…}}``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field

from sandbox.running import SERVICES, running
from sandbox.serving import HOST
from sandbox.world import Pace


@dataclass(frozen=True, slots=True)
class Options:
    """How the sandbox is served. ``hooks`` are the keywords of ``Sandbox.connect``."""

    ports: dict[str, int]
    pace: Pace
    host: str = HOST
    shown: str = HOST
    with_parent: bool = False
    hooks: dict[str, str] = field(default_factory=dict)


async def stay_up(options: Options) -> None:
    """Serves until SIGTERM or SIGINT, or until the parent process has gone when asked to."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(
        pace=options.pace, ports=options.ports, host=options.host, shown=options.shown
    ) as sandbox:
        sandbox.connect(**options.hooks)
        line = {
            "event": "sandbox.ready",
            "urls": sandbox.urls,
            "tokens": sandbox.tokens,
            "environment": sandbox.environment,
            "model_environment": sandbox.model_environment,
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        parent = os.getppid()
        while not stop.is_set():
            if options.with_parent and os.getppid() != parent:
                return
            try:
                await asyncio.wait_for(stop.wait(), 0.5)
            except TimeoutError:
                continue


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox", description="A small company to play with.")
    add = parser.add_argument
    names = ", ".join(SERVICES)
    add("--port", action="append", default=[], metavar="SERVICE=PORT", help=f"one of {names}")
    add("--sync-s", type=float, default=Pace().sync_s, help="seconds from a merge to the cluster")
    add(
        "--index-s",
        type=float,
        default=Pace().index_s,
        help="seconds from an event to Datadog's index",
    )
    add("--host", default=HOST, help="address to listen on")
    add("--shown", default="", help="host name in the printed addresses; default: --host")
    add("--ingest-url", default="", help="where Datadog, Alertmanager and GitLab deliver")
    add("--alertmanager-token", default="", help="sent by Alertmanager's receiver as bearer token")
    add("--datadog-token", default="", help="sent by Datadog's webhook as X-KFix-Token")
    add("--gitlab-token", default="", help="sent by GitLab's webhook as X-Gitlab-Token")
    add("--with-parent", action="store_true", help="stop when the parent process has gone")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Entry point."""
    parser = _parser()
    given = parser.parse_args(arguments)
    ports = {name: int(port) for name, _, port in (item.partition("=") for item in given.port)}
    if unknown := set(ports) - set(SERVICES):
        parser.error(f"unknown service: {', '.join(sorted(unknown))}")
    hooks = {"datadog_token": given.datadog_token, "gitlab_token": given.gitlab_token}
    hooks["alertmanager_token"] = given.alertmanager_token
    if given.ingest_url:
        hooks["alertmanager_url"] = f"{given.ingest_url.rstrip('/')}/alertmanager-webhook"
        hooks["datadog_url"] = f"{given.ingest_url.rstrip('/')}/datadog-webhook"
        hooks["gitlab_url"] = f"{given.ingest_url.rstrip('/')}/gitlab-webhook"
    shown = given.shown or given.host
    pace = Pace(sync_s=given.sync_s, index_s=given.index_s)
    asyncio.run(stay_up(Options(ports, pace, given.host, shown, given.with_parent, hooks)))


if __name__ == "__main__":
    main()
