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

from sandbox.running import SERVICES, running
from sandbox.world import Pace


async def stay_up(ports: dict[str, int], pace: Pace, *, with_parent: bool = False) -> None:
    """Serves until SIGTERM or SIGINT, or until the parent process has gone when ``with_parent``."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(pace=pace, ports=ports) as sandbox:
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
            if with_parent and os.getppid() != parent:
                return
            try:
                await asyncio.wait_for(stop.wait(), 0.5)
            except TimeoutError:
                continue


def main(arguments: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="sandbox", description="A small company to play with, on loopback."
    )
    parser.add_argument(
        "--port",
        action="append",
        default=[],
        metavar="SERVICE=PORT",
        help=f"one of {', '.join(SERVICES)}",
    )
    parser.add_argument(
        "--sync-s",
        type=float,
        default=Pace().sync_s,
        help="from a merge to the cluster, in seconds",
    )
    parser.add_argument(
        "--with-parent", action="store_true", help="stop when the parent process has gone"
    )
    given = parser.parse_args(arguments)
    ports = {name: int(port) for name, _, port in (item.partition("=") for item in given.port)}
    if unknown := set(ports) - set(SERVICES):
        parser.error(f"unknown service: {', '.join(sorted(unknown))}")
    asyncio.run(stay_up(ports, Pace(sync_s=given.sync_s), with_parent=given.with_parent))


if __name__ == "__main__":
    main()
