"""The publish stage's ports on its real adapters, with GitLab, Slack and Teams over loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from kfix.incident.cluster_names import Fleet, Own
from kfix.infra.clients.aiohttp import open_session
from kfix.infra.clients.http import open_http
from kfix.infra.forges.gitlab.client import GitLab, open_gitlab
from kfix.infra.forges.gitlab.forge import GitLabForge
from kfix.infra.forges.gitlab.settings import GitLabConnection
from kfix.infra.store import metadata
from kfix.infra.store.engine import open_engine
from manifests.render.plain_kustomize import BuiltIn
from publish.adapters.slack import SlackChat
from publish.adapters.sql import SqlPublishLedger
from publish.adapters.teams import WorkflowsChat
from publish.ports import PublishPorts
from publish.settings import Publish
from publish.wiring import limits_of
from sandbox import slack as sandbox_slack
from sandbox import teams as sandbox_teams
from sandbox.faults import Faults
from sandbox.gitlab import GitLab as State
from sandbox.gitlab import create_app
from sandbox.gitlab.repository import Action, Person
from sandbox.gitlab.state import DEVELOPER, MAINTAINER, MergeRequest, Project
from sandbox.serving import serve
from schemas.merge_requests import MergeRequestEvent
from schemas.validated import ValidatedPlans
from tests.support import publish as sample

PATH = "apps/checkout/deploy.yaml"
PROJECT = "shop/deployments"


@dataclass
class World:
    state: State
    project: Project
    faults: Faults
    slack: sandbox_slack.Slack
    teams: sandbox_teams.Teams
    gitlab: GitLab
    ports: PublishPorts
    now: list[datetime] = field(default_factory=lambda: [sample.NOW])

    @property
    def merge_requests(self) -> list[MergeRequest]:
        return list(self.project.merge_requests)

    def write(self, text: str, path: str = PATH, branch: str = "main") -> str:
        """A person commits to a branch."""
        person = Person("Ada", "ada@example.com")
        action = Action("update", path, content=text.encode())
        made = self.project.repository.commit(branch, "by hand", [action], person)
        return str(made if isinstance(made, str) else made.id)

    def add(self, path: str, text: str) -> None:
        """A person adds a file to the target branch."""
        person = Person("Ada", "ada@example.com")
        action = Action("create", path, content=text.encode())
        self.project.repository.commit("main", f"add {path}", [action], person)

    async def record(self, **fields: Any) -> ValidatedPlans:
        head = await self.gitlab.head(PROJECT, "main")
        return sample.record(base_commit=head, **fields)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    state, faults = State(tmp_path / "git"), Faults()
    bot = state.add_user("kfix-bot", "K-Fix", "bot-token", bot=True)
    ada = state.add_user("ada", "Ada", "ada-token")
    project = state.add_project(PROJECT, sample.FILES, {ada: MAINTAINER, bot: DEVELOPER})
    slack, teams = sandbox_slack.Slack(), sandbox_teams.Teams()
    engine = open_engine(f"sqlite:///{tmp_path}/kfix.db")
    metadata.create_all(engine)
    settings = Publish(
        assignees={"shop": "ada"}, reviewers={"*": ("nobody", "ada")}, merge_check_s=0
    )
    async with (
        serve(create_app(state, faults)) as url,
        serve(sandbox_slack.create_app(slack, faults)) as slack_url,
        serve(sandbox_teams.create_app(teams, faults)) as teams_url,
        open_gitlab(GitLabConnection(url=url, token=SecretStr("bot-token"), timeout_s=3)) as gitlab,
        open_session([slack_url]) as session,
        open_http(teams_url + teams.workflow_path.partition("?")[0]) as http,
    ):
        from slack_sdk.web.async_client import AsyncWebClient

        state.url = url
        client = AsyncWebClient(slack.token, base_url=f"{slack_url}/api/", session=session)
        query = dict(p.split("=", 1) for p in teams.workflow_path.partition("?")[2].split("&"))
        query["sp"] = "/triggers/manual/run"
        now = [sample.NOW]
        ports = PublishPorts(
            forge=GitLabForge(gitlab),
            chats=(SlackChat(client, "#alerts"), WorkflowsChat(http, query)),
            ledger=SqlPublishLedger(engine),
            settings=settings,
            limits=limits_of(settings, observe=False),
            language="en",
            console_url="https://kfix.example.com",
            hosts=frozenset({"kfix.example.com"}),
            renderer=BuiltIn(),
            now=lambda: now[0],
            fleet=Fleet.of(Own("eu-1", aliases=tuple(f"eu-{n}" for n in range(20)))),
        )
        yield World(state, project, faults, slack, teams, gitlab, ports, now)
    engine.dispose()


async def done(call: Awaitable[Any]) -> MergeRequestEvent:
    event = await call
    assert isinstance(event, MergeRequestEvent)
    return event
