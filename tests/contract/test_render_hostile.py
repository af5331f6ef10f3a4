"""Hostile repositories: whatever is edited, only the asked field of the asked environment changes, as real programs say."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kfix.infra.clients.renderers import Programs
from kfix.offline.edit import EditAnswer, Request, Workspace, answer
from manifests import propose
from manifests.proposal.propose import EditBase, propose_on
from manifests.refused import EditRefused
from manifests.repository.index import build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from tests.support.hostile_kinds import REPOS
from tests.support.hostile_places import REPOS as PLACES
from tests.support.hostile_repos import Ask, Repo, now, wrong
from tests.support.render import renderer
from tests.support.value_kinds import REPOS as VALUE_REPOS

pytestmark = pytest.mark.render
ASKS = [
    pytest.param(repo, ask, id=f"{repo.name}: {ask.env} {ask.path.rpartition('.')[2]}")
    for repo in (*REPOS, *VALUE_REPOS)
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


@pytest.mark.parametrize(("repo", "ask"), ASKS if os.environ.get("KFIX_TEST_FULL") else ASKS[::3])
def test_the_same_change_as_a_plan_passes_its_check_only_where_it_is_right(
    renderer: Programs, repo: Repo, ask: Ask
) -> None:
    before = now(repo, ask, renderer)
    if before is None:
        return  # nothing deploys such an object, so that no plan would say so
    ref = ObjectRef.parse(ask.object)
    field = FieldChange(path=ask.path, before=before, after=ask.value)
    change = KubernetesChange(object=ref, fields=(field,))
    hints, base = Hints(ask.env), EditBase("", "", "", {})
    found = propose_on(build(repo.files), [change], base, hints, renderer)
    rebased = propose(
        repo.files, [change], environment=ask.env, project="", ref="", renderer=renderer
    )
    if isinstance(found, EditRefused) or found.proof.verdict == "fail":
        assert ask.wanted != "right", found
        assert isinstance(rebased, EditRefused), rebased
        return
    assert found.proof.verdict == "pass", found.proof
    after = {**repo.files, **{edit.path: edit.after for edit in found.edits}}
    assert not wrong(repo, ask, after, renderer), found
    assert isinstance(rebased, list)
    assert [edit.diff for edit in rebased] == [edit.diff for edit in found.edits]


def _applied(folder: Path, reply: EditAnswer) -> dict[str, str]:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "apply", "-"], cwd=folder, input=reply.diff.encode(), check=True)
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in folder.rglob("*")
        if file.is_file() and ".git/" not in f"{file.relative_to(folder)}/"
    }
