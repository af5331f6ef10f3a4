"""The shared GitLab client against a GitLab over loopback: snapshots, locks, history, and what a bad day looks like."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from kfix.infra.forges.archives import ArchiveLimits
from kfix.infra.forges.gitlab.client import GitLab, check_project, open_gitlab
from kfix.infra.forges.gitlab.settings import GitLabConnection
from manifests.text.undoing import undone
from sandbox.faults import Fault, Faults
from sandbox.gitlab import create_app
from sandbox.gitlab.repository import Action, Person
from sandbox.gitlab.state import DEVELOPER, MAINTAINER
from sandbox.gitlab.state import GitLab as State
from sandbox.serving import serve
from schemas import errors

FILES = {
    "README.md": "# deployments\n",
    "apps/checkout/deploy.yaml": "a: 1\r\nb: é\n",
    "apps/cart/deploy.yaml": "a: 2\n",
}


@dataclass
class House:
    state: State
    faults: Faults
    gitlab: GitLab
    connection: GitLabConnection


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    state, faults = State(tmp_path), Faults()
    bot = state.add_user("kfix-bot", "K-Fix", "bot-token", bot=True)
    ada = state.add_user("ada", "Ada", "ada-token")
    state.add_project("shop/deployments", FILES, {ada: MAINTAINER, bot: DEVELOPER})
    async with serve(create_app(state, faults)) as url:
        state.url = url
        connection = GitLabConnection(url=url, token=SecretStr("bot-token"), timeout_s=2.0)
        async with open_gitlab(connection) as gitlab:
            yield House(state, faults, gitlab, connection)


async def test_a_snapshot_has_every_manifest_byte_for_byte_and_nothing_else(house: House) -> None:
    snapshot = await house.gitlab.snapshot("shop/deployments")
    assert snapshot.branch == "main"
    assert len(snapshot.commit) == 40
    assert dict(snapshot.files) == {
        path: text.encode() for path, text in FILES.items() if path.endswith(".yaml")
    }


async def test_an_unmoved_branch_is_not_read_again(house: House) -> None:
    first = await house.gitlab.snapshot("shop/deployments")
    assert await house.gitlab.snapshot("shop/deployments") is first
    archives = [a for a in house.faults.asked if "archive" in a.path]
    assert len(archives) == 1


async def test_the_last_commit_of_a_file_and_its_history_agree(house: House) -> None:
    path = "apps/cart/deploy.yaml"
    last = await house.gitlab.last_commit_ids("shop/deployments", "main", (path,))
    history = await house.gitlab.commits_of("shop/deployments", path, diffs=True)
    assert history[0].sha == last[path]
    assert "+a: 2" in history[0].diff


async def test_what_commits_were_is_asked_once_for_a_commit_and_each_time_for_a_branch(
    house: House,
) -> None:
    project, path = "shop/deployments", "apps/cart/deploy.yaml"
    head = await house.gitlab.head(project, "main")
    house.faults.asked.clear()
    found = await asyncio.gather(
        *(house.gitlab.commits_of(project, path, ref=head, diffs=True) for _ in range(5))
    )
    assert {one[0].diff for one in found} == {found[0][0].diff}
    assert len(house.faults.asked) == 1 + len(found[0])
    house.faults.asked.clear()
    by_branch = await house.gitlab.commits_of(project, path, ref="main", diffs=True)
    assert by_branch == found[0]
    assert ["diff" in one.path for one in house.faults.asked] == [False]


async def test_files_that_commits_took_away_are_found_below_their_folder(house: House) -> None:
    repository = house.state.project_at("shop/deployments").repository
    before = repository.read("main", "apps/cart/deploy.yaml").decode()
    gone = [Action("delete", "apps/cart/deploy.yaml"), Action("delete", "README.md")]
    made = repository.commit("main", "tidy up", gone, Person("Ada", "ada@example.com"))
    project, head = "shop/deployments", await house.gitlab.head("shop/deployments", "main")
    (lost,) = await house.gitlab.lost_files(project, "apps", ref=head)
    assert (lost.path, lost.commit.sha) == ("apps/cart/deploy.yaml", head)
    assert undone("", lost.commit.diff) == before
    assert made
    everywhere = await house.gitlab.lost_files(project, "", ref=head)
    assert {one.path for one in everywhere} == {"apps/cart/deploy.yaml", "README.md"}
    assert await house.gitlab.lost_files(project, "apps/checkout", ref=head) == []


async def test_a_history_that_was_refused_is_asked_again(house: House) -> None:
    project, path = "shop/deployments", "apps/cart/deploy.yaml"
    head = await house.gitlab.head(project, "main")
    house.faults.switch_on(Fault("gitlab", "error", status=403, times=1))
    with pytest.raises(errors.Unauthorized):
        await house.gitlab.commits_of(project, path, ref=head, diffs=True)
    assert await house.gitlab.commits_of(project, path, ref=head, diffs=True)


async def test_a_short_throttle_and_a_failure_are_waited_out(house: House) -> None:
    house.faults.switch_on(Fault("gitlab", "rate_limited", seconds=0.1, times=1))
    house.faults.switch_on(Fault("gitlab", "error", status=503, times=1))
    assert await house.gitlab.head("shop/deployments", "main")
    assert len(house.faults.asked) == 3


async def test_a_long_throttle_goes_up_with_the_wait_it_asks_for(house: House) -> None:
    house.faults.switch_on(Fault("gitlab", "rate_limited", seconds=120.0))
    with pytest.raises(errors.RateLimited) as raised:
        await house.gitlab.head("shop/deployments", "main")
    assert raised.value.retry_after_s == pytest.approx(120.0, abs=2)
    assert len(house.faults.asked) == 1


@pytest.mark.parametrize(
    ("project", "branch", "error"),
    [
        ("shop/gone", "main", errors.NotFound),
        ("shop/deployments", "nowhere", errors.NotFound),
        ("../etc", "main", errors.Rejected),
        ("shop/deployments/../../x", "main", errors.Rejected),
    ],
)
async def test_what_is_not_there_is_said_so(
    house: House, project: str, branch: str, error: type[errors.KFixError]
) -> None:
    with pytest.raises(error):
        await house.gitlab.head(project, branch)


async def test_a_wrong_token_needs_a_person(house: House) -> None:
    wrong = house.connection.model_copy(update={"token": SecretStr("wrong")})
    async with open_gitlab(wrong) as gitlab:
        with pytest.raises(errors.Unauthorized):
            await gitlab.snapshot("shop/deployments")


async def test_a_silent_service_is_given_up(house: House) -> None:
    house.faults.switch_on(Fault("gitlab", "slow", seconds=3.0))
    hasty = house.connection.model_copy(update={"timeout_s": 0.2})
    async with open_gitlab(hasty) as gitlab:
        with pytest.raises(errors.TimedOut):
            await gitlab.head("shop/deployments", "main")


async def test_a_repository_beyond_the_caps_is_refused(house: House) -> None:
    async with open_gitlab(house.connection, caps=ArchiveLimits(entries=3)) as gitlab:
        with pytest.raises(errors.Rejected, match="too large"):
            await gitlab.snapshot("shop/deployments")


async def test_files_beyond_the_cap_are_skipped_and_named(house: House) -> None:
    async with open_gitlab(house.connection, caps=ArchiveLimits(file_bytes=6)) as gitlab:
        snapshot = await gitlab.snapshot("shop/deployments")
    assert list(snapshot.files) == ["apps/cart/deploy.yaml"]
    assert "larger than" in snapshot.skipped["apps/checkout/deploy.yaml"]


@pytest.mark.parametrize("path", ["a", "", "a//b", "a/b.git", "/a/b", "a/b?x=1", "a/b\n", "a/.."])
def test_odd_project_paths_never_reach_a_url(path: str) -> None:
    with pytest.raises(errors.Rejected):
        check_project(path)
