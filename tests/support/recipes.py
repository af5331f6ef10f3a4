"""Follows a recipe of ``docs/extending.md`` on a copy of the tree: what is written there is what is done."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/extending.md").read_text("utf-8")
#: Folders that running leaves behind.
_MADE = {"__pycache__", ".hypothesis"}
#: A block of the page that is a whole file, or lines of one: its first line names it.
FILE = re.compile(
    r"(?ms)^ *```(?P<sort>python|yaml|diff)\n *# (?P<path>\S+\.(?:py|yaml))\n(?P<text>.*?)^ *```$"
)


def section(title: str) -> str:
    """The part of the page under a heading."""
    found = re.search(rf"(?ms)^## {title}\n(.*?)(?=^## |\Z)", PAGE)
    assert found, title
    return found[1]


def copied(copy: Path, *names: str) -> Path:
    """Files and folders of the tree in the copy; what is not copied is the tree's."""
    for name in names:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy


def follow(copy: Path, title: str) -> None:
    """Writes the files of a recipe, and makes the changes that it shows as differences."""
    for found in FILE.finditer(section(title)):
        file, text = copy / found["path"], textwrap.dedent(found["text"])
        if found["sort"] != "diff":
            assert not file.exists(), file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            continue
        lines = text.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        edit(file, before, "".join(line[1:] for line in lines if line[0] in " +"))


def edit(file: Path, before: str, after: str) -> None:
    """Changes the one place that reads ``before``."""
    text = file.read_text()
    assert text.count(before) == 1, (file, before)
    file.write_text(text.replace(before, after))


def run(copy: Path, *words: str, **environment: str) -> str:
    """What Python says in the copy; packages that were not copied are the tree's."""
    done = _done(copy, *words, **environment)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def failed(copy: Path, *words: str, **environment: str) -> str:
    """What Python says in the copy, where it is expected to fail."""
    done = _done(copy, *words, **environment)
    assert done.returncode != 0, done.stdout[-3000:]
    return done.stdout + done.stderr


def _done(copy: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(copy), str(ROOT)))
    return subprocess.run(
        [sys.executable, *words],
        cwd=copy,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def pytest_words(*words: str) -> tuple[str, ...]:
    """A run of pytest in the copy, with the settings of the tree."""
    return ("-m", "pytest", "-q", *words)


def changed(copy: Path) -> set[str]:
    """Files of the copy that are new or differ from the tree's."""
    files = (p for p in copy.rglob("*") if p.is_file() and not _MADE & {*p.parts})
    return {
        str(p.relative_to(copy))
        for p in files
        if not (ROOT / p.relative_to(copy)).is_file()
        or (ROOT / p.relative_to(copy)).read_bytes() != p.read_bytes()
    }


def settings_page(copy: Path, **environment: str) -> None:
    """Generates ``docs/settings.md`` in the copy."""
    script = "from kfix.cli.settings import page; print(page(), end='')"
    (copy / "docs/settings.md").write_text(run(copy, "-c", script, **environment))
