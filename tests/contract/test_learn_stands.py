"""Learn asks GitLab where merge requests stand: one request for a project, and what cannot be read is not there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import SecretStr

from kfix.incident.forge.port import Stand, Stands
from kfix.infra.forges.gitlab.client import open_gitlab
from kfix.infra.forges.gitlab.forge import GitLabForge
from kfix.infra.forges.gitlab.settings import GitLabConnection
from learn.adapters.unconfigured import NoForge
from sandbox.faults import Fault, Faults
from sandbox.gitlab import GitLab as State
from sandbox.gitlab import create_app
from sandbox.gitlab.state import DEVELOPER, MAINTAINER, MergeRequest
from sandbox.serving import serve
from schemas.merge_requests import MergeRequestRef
from tests.support.loopback import Answer, serving

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class World:
    state: State
    faults: Faults
    forge: Stands

    def add(self, project: str, state: Literal["opened", "closed", "merged"]) -> MergeRequestRef:
        """A merge request that stands so since noon."""
        at, ada = T0.timestamp(), next(iter(self.state.users.values()))
        held = self.state.project_at(project)
        number = len(held.merge_requests) + 1
        mr = MergeRequest(
            id=self.state.next_id(),
            iid=number,
            author=ada,
            title="t",
            description="",
            source_branch=held.default_branch,
            target_branch=held.default_branch,
            sha=held.repository.resolve(held.default_branch),
            created=at - 60,
            updated=at,
            state=state,
            merged=at if state == "merged" else None,
            closed=at if state == "closed" else None,
        )
        held.merge_requests.append(mr)
        return MergeRequestRef(project=project, iid=number)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    state, faults = State(tmp_path / "git"), Faults()
    ada = state.add_user("ada", "Ada", "ada-token")
    bot = state.add_user("kfix-bot", "K-Fix", "bot-token", bot=True)
    for path in ("shop/a", "shop/b"):
        state.add_project(path, {"x.yaml": "a: 1\n"}, {ada: MAINTAINER, bot: DEVELOPER})
    async with (
        serve(create_app(state, faults)) as url,
        open_gitlab(GitLabConnection(url=url, token=SecretStr("bot-token"), timeout_s=3)) as gitlab,
    ):
        yield World(state, faults, GitLabForge(gitlab))


async def test_many_are_read_with_one_request_for_a_project(world: World) -> None:
    a = [world.add("shop/a", state) for state in ("opened", "merged", "closed", "opened")]
    b = world.add("shop/b", "merged")
    found = await world.forge.stands([*a[:3], b])
    assert found == {
        ("shop/a", 1): Stand("open", T0),
        ("shop/a", 2): Stand("merged", T0),
        ("shop/a", 3): Stand("closed", T0),
        ("shop/b", 1): Stand("merged", T0),
    }
    assert world.faults.count("gitlab") == 2


async def test_a_project_that_cannot_be_read_hides_no_other_one(world: World) -> None:
    refs = [world.add("shop/a", "opened"), world.add("shop/b", "closed")]
    gone = MergeRequestRef(project="shop/gone", iid=1)
    world.faults.switch_on(Fault("gitlab", "error", "shop(%2F|/)a/", status=403))
    assert await world.forge.stands([gone, *refs]) == {("shop/b", 1): Stand("closed", T0)}


async def test_without_a_gitlab_nothing_is_known() -> None:
    assert await NoForge().stands([MergeRequestRef(project="shop/a", iid=1)]) == {}


LISTED: dict[str, Any] = {
    "id": 41,
    "iid": 1,
    "state": "merged",
    "references": {"full": "shop/a!1"},
    "updated_at": "2026-03-01T12:00:00.000Z",
    "merged_at": "2026-03-01T12:00:00.000Z",
    "closed_at": None,
}
WRONG: tuple[Any, ...] = (None, 5, "x", [None])


async def told(listings: Sequence[Any]) -> list[Mapping[tuple[str, int], Stand]]:
    """Where ``shop/a!1`` stands when GitLab lists these, each to another caller."""
    left = iter(listings)
    settings = GitLabConnection(_env_file=None, timeout_s=3)  # type: ignore[call-arg]
    found = []
    async with serving(lambda _: Answer.of(next(left))) as url:
        connection = settings.model_copy(update={"url": url})
        async with open_gitlab(connection) as gitlab:
            stands = GitLabForge(gitlab)
            for _ in listings:
                found.append(await stands.stands([MergeRequestRef(project="shop/a", iid=1)]))
    return found


async def test_a_list_that_is_none_tells_nothing_and_raises_nothing() -> None:
    lacking = [{key: LISTED[key] for key in LISTED if key != name} for name in LISTED]
    wrong = [{**LISTED, name: value} for name in LISTED for value in WRONG]
    assert await told([[LISTED]]) == [{("shop/a", 1): Stand("merged", T0)}]
    for found in await told([[broken] for broken in (*lacking, *wrong)]):
        assert set(found) <= {("shop/a", 1)}


OTHERS: tuple[dict[str, Any], ...] = (
    {"iid": 2},
    {"references": {"full": "shop/b!1"}},
    {"iid": True},
    {"references": {}},
)


async def test_another_merge_request_s_merge_is_not_ours() -> None:
    listings = [[LISTED, {**LISTED, **other}] for other in OTHERS]
    assert await told(listings) == [{}] * len(OTHERS)
