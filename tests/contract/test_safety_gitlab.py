"""The examiner's reader of deployment repositories against a GitLab over loopback, on good days and bad ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from kfix.infra.forges.gitlab.client import open_gitlab
from kfix.infra.forges.gitlab.settings import GitLabConnection
from manifests.refused import EditRefused
from safety.adapters.repositories import DeploymentRepositories, folders_in
from sandbox.faults import Fault, Faults
from sandbox.gitlab import create_app
from sandbox.gitlab.state import DEVELOPER, MAINTAINER, GitLab, Project
from sandbox.serving import serve
from schemas import errors
from tests.support import publish as sample

PATH = "apps/checkout/deploy.yaml"


@dataclass
class House:
    state: GitLab
    project: Project
    faults: Faults
    connection: GitLabConnection
    repository: DeploymentRepositories


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    state, faults = GitLab(tmp_path), Faults()
    bot = state.add_user("kfix-bot", "K-Fix", "bot-token", bot=True)
    ada = state.add_user("ada", "Ada", "ada-token")
    members = {ada: MAINTAINER, bot: DEVELOPER}
    state.add_project("shop/elsewhere", {"b.yaml": "b: 1\n"}, members)
    project = state.add_project("shop/deployments", sample.FILES, members)
    async with serve(create_app(state, faults)) as url:
        state.url = url
        connection = GitLabConnection(url=url, token=SecretStr("bot-token"), timeout_s=2.0)
        async with open_gitlab(connection) as client:
            projects = ("shop/elsewhere", "shop/deployments")
            repository = DeploymentRepositories(client, projects=projects)
            yield House(state, project, faults, connection, repository)


async def test_the_repository_that_declares_the_object_gives_locked_edits(house: House) -> None:
    found = await house.repository.propose([sample.change("900m")], "production")
    assert not isinstance(found, EditRefused)
    (edit,) = found.edits
    head = house.project.repository.resolve("main")
    assert (edit.project, edit.path, edit.base_commit) == ("shop/deployments", PATH, head)
    assert edit.last_commit_id == head
    assert edit.after == sample.MANIFEST.replace("cpu: 500m", "cpu: 900m")


async def test_a_value_that_moved_is_refused_with_its_code(house: House) -> None:
    found = await house.repository.propose([sample.change("900m", before="1")], "production")
    assert isinstance(found, EditRefused)
    assert found.code == "STALE"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("gitlab", "error", status=503), errors.Unavailable),
        (Fault("gitlab", "error", route="archive", status=500), errors.Unavailable),
        (Fault("gitlab", "down"), errors.Unavailable),
        (Fault("gitlab", "malformed"), errors.Unavailable),
        (Fault("gitlab", "malformed", route="archive"), errors.Unavailable),
        (Fault("gitlab", "rate_limited", seconds=60), errors.RateLimited),
        (Fault("gitlab", "error", status=403), errors.Unauthorized),
        (Fault("gitlab", "error", route="branches", status=404), errors.NotFound),
    ],
    ids=lambda p: f"{p.kind}-{p.status}-{p.route}" if isinstance(p, Fault) else p.__name__,
)
async def test_trouble_is_a_typed_failure(
    house: House, fault: Fault, error: type[errors.KFixError]
) -> None:
    house.faults.switch_on(fault)
    with pytest.raises(error):
        await house.repository.propose([sample.change("900m")], "production")


@pytest.mark.parametrize("route", ["", "archive", "files"])
async def test_a_slow_answer_is_given_up(house: House, route: str) -> None:
    hasty = house.connection.model_copy(update={"timeout_s": 0.15})
    house.faults.switch_on(Fault("gitlab", "slow", route=route, seconds=1.0))
    async with open_gitlab(hasty) as client:
        repository = DeploymentRepositories(client, projects=("shop/deployments",))
        with pytest.raises(errors.TimedOut):
            await repository.propose([sample.change("900m")], "production")


async def test_a_deleted_project_is_said_so(house: House) -> None:
    house.state.projects.clear()
    with pytest.raises(errors.NotFound):
        await house.repository.propose([sample.change("900m")], "production")


async def test_a_short_trouble_is_waited_out(house: House) -> None:
    house.faults.switch_on(Fault("gitlab", "error", status=502, times=1))
    house.faults.switch_on(Fault("gitlab", "rate_limited", seconds=0.1, times=1))
    found = await house.repository.propose([sample.change("900m")], "production")
    assert not isinstance(found, EditRefused)


@pytest.mark.parametrize(
    ("mapped", "folders"),
    [
        ((), ()),
        (("apps",), ("apps",)),
        (("shop/deploy//apps", "other/deploy//x"), ("apps",)),
        (("other/deploy//x",), None),
        (("shop/deploy//", "apps"), ("", "apps")),
    ],
)
def test_the_static_map_names_folders_and_repositories(
    mapped: tuple[str, ...], folders: tuple[str, ...] | None
) -> None:
    assert folders_in("shop/deploy", mapped) == folders
