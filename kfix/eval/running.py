"""Runs the diagnoses of a folder of cases, here or at another git revision, without any answer in reach."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson


def diagnose_all(folder: Path) -> dict[str, dict[str, Any]]:
    """Every case below ``folder``, by name, with ``milliseconds`` of the rules alone added."""
    from kfix import diagnosing

    out: dict[str, dict[str, Any]] = {}
    for path in sorted(p for p in folder.iterdir() if (p / "alert.json").is_file()):
        started = time.perf_counter()
        try:
            result = diagnosing.diagnose_case(diagnosing.case_of(path))
        except Exception as error:  # noqa: BLE001 -- a crash is a wrong answer of that case
            result = diagnosing.failure(path.name, error)
        whole_ms = (time.perf_counter() - started) * 1000
        result["milliseconds"] = result.get("rules_ms", whole_ms)
        out[path.name] = result
    return out


def diagnose_at(revision: str, folder: Path) -> dict[str, dict[str, Any]]:
    """The same with the code of another revision, in a worktree of its own and a process of its own.

    Raises subprocess.CalledProcessError when the revision is unknown or its code does not run.
    """
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place, "tree")
        _git("worktree", "add", "--detach", "--quiet", str(tree), revision)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "kfix.eval.running", str(folder.resolve())],
                cwd=tree,
                check=True,
                stdout=subprocess.PIPE,
                env={"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin"},
            )
        finally:
            _git("worktree", "remove", "--force", str(tree))
    answers: dict[str, dict[str, Any]] = orjson.loads(done.stdout)
    return answers


def _git(*words: str) -> None:
    subprocess.run(["git", *words], check=True, cwd=Path(__file__).parent)


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(diagnose_all(Path(sys.argv[1]))))
