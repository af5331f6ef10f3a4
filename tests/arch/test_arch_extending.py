"""The recipes of ``docs/extending.md`` do what they say, on a copy of the tree."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.recipes import ROOT, changed, copied, follow, run, settings_page

COPIED = ("kfix", "schemas", "manifests", "ingest", "docs")


@pytest.fixture(scope="module")
def with_forge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the recipe of a forge was followed."""
    copy = tmp_path_factory.mktemp("forge")
    copied(copy, *COPIED)
    follow(copy, "A forge")
    folder = copy / "kfix/infra/forges/pulls"
    shutil.copy(ROOT / "tests/support/other_forge.py", folder / "forge.py")
    (folder / "__init__.py").write_text('"""Pull requests."""\n')
    settings_page(copy)
    return copy


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
