"""What the real parts share: programs that are built once, and servers that end with whoever started them."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from kfix.engine.broker.embedded import die_with_parent


class Unbuildable(Exception):
    """The programs cannot be had on this machine; the text is one line and says why."""


def built(what: str, script: Path, *names: str) -> Path:
    """The folder of the programs that the script builds with Go, where they are not there yet. Raises Unbuildable."""
    if shutil.which("go") is None:
        raise Unbuildable(f"no Go on this machine to build {what} with")
    # ``tests`` asks for loopback only, but the build's module downloads are another process.
    done = subprocess.run([script, *names], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unbuildable(f"{what} cannot be built: {last}")
    return Path(done.stdout.strip())


@contextmanager
def serving(
    what: str,
    command: Sequence[str],
    *,
    folder: Path,
    log: Path,
    ready: Callable[[], bool],
    within_s: float,
) -> Iterator[None]:
    """A server that runs in ``folder`` and answered ``ready``, gone when the context ends.

    ``ready`` may raise ``httpx.TransportError``. Raises RuntimeError with the end of the log where it does not come up.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - prctl alone, no locks taken
        )
    try:
        _wait(what, process, log, ready, time.monotonic() + within_s)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(
    what: str,
    process: subprocess.Popen[bytes],
    log: Path,
    ready: Callable[[], bool],
    until: float,
) -> None:
    while True:
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{what} does not come up: {log.read_text()[-2000:]}")
        try:
            if ready():
                return
        except httpx.TransportError:
            time.sleep(0.1)
