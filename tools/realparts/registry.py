"""A real schema registry for tests: Apicurio, which speaks Confluent's API, in memory, on a free loopback port.

The archive comes from Maven Central once, into the cache (``~/.cache/kfix`` or ``KFIX_TEST_CACHE``). The process is
tied to this one: it dies when this one does.

    with running() as url:      # http://127.0.0.1:port/apis/ccompat/v7
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from kfix.engine.broker.embedded import free_port
from tools.realparts.programs import serving

VERSION = "2.6.13.Final"
_ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
_JAR = f"apicurio-registry-app-{VERSION}-runner.jar"
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_READY_WITHIN_S = 90.0


class Unobtainable(Exception):
    """The registry cannot be had on this machine; the text is one line and says why."""


def folder() -> Path:
    """The unpacked archive, fetched when missing. Raises Unobtainable."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise Unobtainable(f"no {tool} on this machine")
    cache = Path(os.environ.get("KFIX_TEST_CACHE", Path.home() / ".cache" / "kfix"))
    found = cache / f"apicurio-{VERSION}"
    if not found.is_dir():
        _fetch(found)
    return found


def _fetch(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        place = [f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={scratch}"]
        done = subprocess.run(
            ["mvn", "-B", "-ntp", "-q", "-C", _PLUGIN, *place],
            capture_output=True,
            text=True,
            check=False,
            cwd=scratch,
        )
        archives = list(Path(scratch).glob("*.tar.gz"))
        if done.returncode or not archives:
            last = (done.stdout.strip().splitlines() or ["no reason given"])[0]
            raise Unobtainable(f"Maven cannot fetch the registry: {last[:200]}")
        unpacked = Path(scratch) / "unpacked"
        with tarfile.open(archives[0]) as archive:
            archive.extractall(unpacked, filter="data")
        try:
            unpacked.rename(target)
        except OSError:
            if not target.is_dir():  # another run was faster
                raise


@contextmanager
def running() -> Iterator[str]:
    """The address of Confluent's API. Raises Unobtainable."""
    jar = next(folder().rglob(_JAR))
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "registry.log"
        command = [
            "java",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dquarkus.http.host=127.0.0.1",
            f"-Dquarkus.http.port={port}",
            "-jar",
            str(jar),
        ]
        url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
        with serving(
            "the registry",
            command,
            folder=jar.parent,
            log=log,
            ready=lambda: _answers(url),
            within_s=_READY_WITHIN_S,
        ):
            yield url


def _answers(url: str) -> bool:
    return httpx.get(f"{url}/subjects", trust_env=False, timeout=2).status_code == 200
