"""The recipes of ``docs/extending.md`` do what they say, on a copy of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/extending.md").read_text("utf-8")
#: A block of the page that is a whole file: its first line names it.
FILE = re.compile(r"(?ms)^ *```python\n *# (?P<path>\S+\.py)\n(?P<text>.*?)^ *```$")
COPIED = ("kfix", "schemas", "manifests", "ingest", "docs")


def section(title: str) -> str:
    """The part of the page under a heading."""
    found = re.search(rf"(?ms)^## {title}\n(.*?)(?=^## |\Z)", PAGE)
    assert found, title
    return found[1]


def run(copy: Path, *words: str, **environment: str) -> str:
    """What Python says in the copy; packages that were not copied are the tree's."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=copy,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(copy), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def changed(copy: Path) -> set[str]:
    """Files of the copy that are new or differ from the tree's."""
    files = (p for p in copy.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {
        str(p.relative_to(copy))
        for p in files
        if not (ROOT / p.relative_to(copy)).is_file()
        or (ROOT / p.relative_to(copy)).read_bytes() != p.read_bytes()
    }


@pytest.fixture(scope="module")
def with_forge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the recipe of a forge was followed."""
    copy = tmp_path_factory.mktemp("forge")
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    told = section("A forge")
    for found in FILE.finditer(told):
        (copy / found["path"]).parent.mkdir(exist_ok=True)
        (copy / found["path"]).write_text(textwrap.dedent(found["text"]))
    folder = copy / "kfix/infra/forges/pulls"
    shutil.copy(ROOT / "tests/support/other_forge.py", folder / "forge.py")
    (folder / "__init__.py").write_text('"""Pull requests."""\n')
    edit(copy / "kfix/infra/forges/__init__.py", '("gitlab",)', '("gitlab", "pulls")')
    page = run(copy, "-c", "from kfix.cli.settings import page; print(page(), end='')")
    (copy / "docs/settings.md").write_text(page)
    return copy


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert text.count(before) == 1, (file, before)
    file.write_text(text.replace(before, after))


OPEN = """
import asyncio
from kfix.infra.forges.opening import names, open_forge

async def main():
    async with open_forge() as forge:
        print(names(), type(forge).__name__, forge and forge.url, forge and forge.projects)

asyncio.run(main())
"""


def test_a_forge_of_the_recipe_is_opened_where_the_settings_name_it(with_forge: Path) -> None:
    named = {"KFIX_PULLS_URL": "https://pulls.example.com", "KFIX_PULLS_PROJECTS": '["shop/a"]'}
    told = run(with_forge, "-c", OPEN, **named)
    assert told == "GitLab or Pulls PullForge https://pulls.example.com ('shop/a',)\n"
    assert run(with_forge, "-c", OPEN) == "GitLab or Pulls NoneType None None\n"
    gitlab = run(with_forge, "-c", OPEN, KFIX_GITLAB_URL="https://gitlab.example.com")
    assert gitlab == "GitLab or Pulls GitLabForge https://gitlab.example.com ()\n"


def test_two_forges_at_once_are_refused(with_forge: Path) -> None:
    script = OPEN.replace("asyncio.run(main())", "").replace("print(", "pass; print(") + (
        "from schemas import errors\n"
        "try:\n    asyncio.run(main())\n"
        "except errors.Rejected as refused:\n    print(refused.reason)\n"
    )
    both = {"KFIX_PULLS_URL": "https://p.example.com", "KFIX_GITLAB_URL": "https://g.example.com"}
    assert run(with_forge, "-c", script, **both) == "two_forges\n"


def test_its_settings_are_on_the_page(with_forge: Path) -> None:
    assert "`KFIX_PULLS_PROJECTS`" in (with_forge / "docs/settings.md").read_text()


def test_a_forge_touches_fewer_than_eight_files_outside_its_folder(with_forge: Path) -> None:
    outside = {f for f in changed(with_forge) if not f.startswith("kfix/infra/forges/pulls/")}
    assert outside == {"kfix/infra/forges/__init__.py", "docs/settings.md"}
