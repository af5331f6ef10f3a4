"""The forge on GitLab, call by call: what a race, a lost lock and a full repository look like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from kfix.incident.forge.port import FileAction, MergeRequestDraft
from kfix.infra.forges.gitlab.client import open_gitlab
from kfix.infra.forges.gitlab.forge import GitLabForge
from kfix.infra.forges.gitlab.settings import GitLabConnection
from sandbox.faults import Fault, Faults
from sandbox.gitlab import GitLab, create_app
from sandbox.gitlab.repository import Action, Person
from sandbox.gitlab.state import DEVELOPER, MAINTAINER, Project
from sandbox.serving import serve
from schemas import errors

PROJECT, BRANCH = "shop/deployments", "kfix/incident-inc-1"
DRAFT = MergeRequestDraft(PROJECT, BRANCH, "main", "K-Fix: x", "why", ("k-fix", "env::staging"))


@dataclass
class World:
    project: Project
    faults: Faults
    forge: GitLabForge

    async def action(self, content: str = "a: 2\n") -> FileAction:
        locks = await self.forge.last_commit_ids(PROJECT, "main", ("a.yaml",))
        return FileAction("a.yaml", content, locks["a.yaml"])

    def by_hand(self, content: str) -> None:
        person = Person("Ada", "ada@example.com")
        action = Action("update", "a.yaml", content=content.encode())
        self.project.repository.commit("main", "by hand", [action], person)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    state, faults = GitLab(tmp_path), Faults()
    bot = state.add_user("bot", "Bot", "bot-token")
    ada = state.add_user("ada", "Ada", "ada-token")
    project = state.add_project(PROJECT, {"a.yaml": "a: 1\n"}, {ada: MAINTAINER, bot: DEVELOPER})
    async with serve(create_app(state, faults)) as url:
        state.url = url
        connection = GitLabConnection(url=url, token=SecretStr("bot-token"), timeout_s=3)
        async with open_gitlab(connection) as gitlab:
            yield World(project, faults, GitLabForge(gitlab))


async def test_several_files_go_into_one_commit_on_a_new_branch(world: World) -> None:
    new = FileAction("new/hpa.yaml", "kind: X\n")
    made = await world.forge.commit(PROJECT, BRANCH, "main", "m", (await world.action(), new))
    assert made == await world.forge.head(PROJECT, BRANCH)
    assert await world.forge.file(PROJECT, "a.yaml", BRANCH) == b"a: 2\n"
    assert await world.forge.file(PROJECT, "new/hpa.yaml", BRANCH) == b"kind: X\n"
    assert await world.forge.file(PROJECT, "gone.yaml", BRANCH) is None
    log = world.project.repository.log(BRANCH)
    assert len(log) == 2


async def test_a_branch_that_is_there_already_is_an_answer_and_not_a_failure(world: World) -> None:
    action = await world.action()
    assert await world.forge.commit(PROJECT, BRANCH, "main", "m", (action,))
    assert await world.forge.commit(PROJECT, BRANCH, "main", "m", (action,)) is None
    assert len(world.project.repository.log(BRANCH)) == 2


async def test_a_file_that_changed_since_it_was_read_loses_the_lock(world: World) -> None:
    action = await world.action()
    world.by_hand("a: 7\n")
    with pytest.raises(errors.Moved):
        await world.forge.commit(PROJECT, BRANCH, "main", "m", (action,))
    assert await world.forge.head(PROJECT, BRANCH) is None


async def test_a_new_file_that_somebody_else_made_is_refused(world: World) -> None:
    with pytest.raises(errors.Rejected):
        await world.forge.commit(PROJECT, BRANCH, "main", "m", (FileAction("a.yaml", "x\n"),))


async def test_a_second_merge_request_of_a_branch_is_the_first_one(world: World) -> None:
    await world.forge.commit(PROJECT, BRANCH, "main", "m", (await world.action(),))
    first = await world.forge.open(DRAFT)
    assert await world.forge.open(DRAFT) == first
    assert len(world.project.merge_requests) == 1
    found = await world.forge.find(PROJECT, BRANCH)
    assert found is not None
    assert (found.ref, found.state) == (first, "opened")


async def test_a_closed_merge_request_is_found_as_closed(world: World) -> None:
    await world.forge.commit(PROJECT, BRANCH, "main", "m", (await world.action(),))
    await world.forge.open(DRAFT)
    world.project.merge_requests[0].state = "closed"
    found = await world.forge.find(PROJECT, BRANCH)
    assert found is not None
    assert found.state == "closed"
    assert await world.forge.find(PROJECT, "kfix/incident-inc-2") is None


async def test_a_comment_is_found_again_among_many(world: World) -> None:
    await world.forge.commit(PROJECT, BRANCH, "main", "m", (await world.action(),))
    ref = await world.forge.open(DRAFT)
    assert await world.forge.note(ref, "first", "hello")
    for number in range(25):
        await world.forge.note(ref, f"other-{number}", "word")
    assert not await world.forge.note(ref, "first", "hello")
    assert len(world.project.merge_requests[0].notes) == 26


async def test_a_write_is_not_repeated_by_the_client(world: World) -> None:
    world.faults.switch_on(Fault("gitlab", "error", method="POST", status=502))
    action = await world.action()
    with pytest.raises(errors.Unavailable):
        await world.forge.commit(PROJECT, BRANCH, "main", "m", (action,))
    assert len([a for a in world.faults.asked if a.method == "POST"]) == 1


async def test_a_throttled_write_says_how_long_to_wait(world: World) -> None:
    action = await world.action()
    world.faults.switch_on(Fault("gitlab", "rate_limited", method="POST", seconds=30))
    with pytest.raises(errors.RateLimited) as raised:
        await world.forge.commit(PROJECT, BRANCH, "main", "m", (action,))
    assert raised.value.retry_after_s == pytest.approx(30, abs=2)
