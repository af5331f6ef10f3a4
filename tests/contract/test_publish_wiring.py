"""publish opens what the settings name, and its promised defaults stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfix.infra.forges.gitlab.forge import GitLabForge
from kfix.infra.settings import load
from publish.core.done import Done
from publish.core.said import said_of
from publish.service.notify import tell_done
from publish.settings import Publish
from publish.wiring import open_ports
from sandbox import slack as sandbox_slack
from sandbox import teams as sandbox_teams
from sandbox.gitlab import GitLab, create_app
from sandbox.gitlab.state import MAINTAINER
from sandbox.serving import serve
from tests.support import publish as sample


def test_promised_defaults() -> None:
    settings = load(Publish)
    assert settings.note_every_s == 3600
    assert settings.remember_closed_s == 14 * 24 * 3600
    assert (settings.open_per_project, settings.opened_per_hour, settings.breaker) == (20, 10, 5)
    assert (settings.codeowners, settings.reviewers_at_most, settings.draft_below) == (True, 3, 0.6)
    assert settings.chat_timeout_s == 5
    assert not settings.slack_token.get_secret_value()
    assert not settings.teams_url.get_secret_value()


async def test_with_nothing_configured_there_is_a_ledger_and_nobody_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFIX_DATABASE_URL", f"sqlite:///{tmp_path}/kfix.db")
    async with open_ports() as ports:
        assert ports.forge is None
        assert ports.chats == ()
        assert not ports.limits.observe


async def test_the_settings_lead_to_gitlab_slack_and_teams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, slack, teams = GitLab(tmp_path / "git"), sandbox_slack.Slack(), sandbox_teams.Teams()
    bot = state.add_user("bot", "Bot", "bot-token")
    state.add_project("shop/deployments", sample.FILES, {bot: MAINTAINER})
    url = f"sqlite:///{tmp_path}/kfix.db"
    async with (
        serve(create_app(state)) as gitlab_url,
        serve(sandbox_slack.create_app(slack)) as slack_url,
        serve(sandbox_teams.create_app(teams)) as teams_url,
    ):
        for name, value in {
            "KFIX_DATABASE_URL": url,
            "KFIX_MODE": "observe",
            "KFIX_LANGUAGE": "fr",
            "KFIX_GITLAB_URL": gitlab_url,
            "KFIX_GITLAB_TOKEN": "bot-token",
            "KFIX_PUBLISH_SLACK_WEBHOOK_URL": slack_url + slack.webhook_path,
            "KFIX_PUBLISH_TEAMS_URL": teams_url + teams.workflow_path,
            "KFIX_PUBLISH_ASSIGNEES": '{"shop": "ada"}',
            "KFIX_PUBLISH_REVIEWERS": '{"*": ["ada", "grace"]}',
        }.items():
            monkeypatch.setenv(name, value)
        async with open_ports() as ports:
            assert isinstance(ports.forge, GitLabForge)
            assert await ports.forge.head("shop/deployments", "main")
            assert await ports.forge.head("shop/deployments", "nowhere") is None
            assert ports.limits.observe
            assert ports.settings.reviewers == {"*": ("ada", "grace")}
            record = sample.record()
            done = Done("opened", plan=record.plans[0], notice="opened")
            said = said_of(record, done, language=ports.language, console_url=ports.console_url)
            told = (await tell_done(record, done, said, ports)).notifications
            assert all(n.sent for n in told), told
    assert len(slack.messages) == len(teams.cards) == 1
    assert "solution proposée" in str(teams.cards[0])
