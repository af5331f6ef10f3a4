"""Hostile repositories: whatever is edited, only the asked field of the asked environment changes, as real programs say."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from fixtures_hostile_kinds import REPOS
from fixtures_hostile_repos import Ask, Repo, wrong
from fixtures_render import renderer

from kfix.clients.renderers import Programs
from kfix.editing import Answer, Request, Workspace, answer

pytestmark = pytest.mark.render
ASKS = [
    pytest.param(repo, ask, id=f"{repo.name}: {ask.env} {ask.path.rpartition('.')[2]}")
    for repo in REPOS
    for ask in repo.asks
]


@pytest.mark.parametrize(("repo", "ask"), ASKS)
def test_an_edit_changes_the_asked_field_in_the_asked_environment_and_nothing_else(
    renderer: Programs, tmp_path: Path, repo: Repo, ask: Ask
) -> None:
    for path, text in repo.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    wish = Request(repo=tmp_path, object=ask.object, set={ask.path: ask.value}, env=ask.env)
    reply = answer(wish, Workspace(renderer))
    if reply.status == "edited":
        after = _applied(tmp_path, reply)
        assert not wrong(repo, ask, after, renderer), reply.diff
    assert ask.wanted == "either" or (ask.wanted == "right") == (reply.status == "edited"), reply
    assert reply.status != "unchanged", reply


def _applied(folder: Path, reply: Answer) -> dict[str, str]:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "apply", "-"], cwd=folder, input=reply.diff.encode(), check=True)
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in folder.rglob("*")
        if file.is_file() and ".git/" not in f"{file.relative_to(folder)}/"
    }
