"""Opens GitLab as the settings say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kfix.incident.forge.port import Forge
from kfix.infra.forges.gitlab.settings import GitLabConnection
from kfix.infra.settings import load

NAME = "GitLab"


def configured() -> bool:
    """Do the settings name one?"""
    return bool(load(GitLabConnection).url)


@asynccontextmanager
async def opened() -> AsyncIterator[Forge]:
    """The forge, closed again at the end. Raises errors.Rejected when it is not configured."""
    from kfix.infra.forges.gitlab.client import open_gitlab
    from kfix.infra.forges.gitlab.forge import GitLabForge

    connection = load(GitLabConnection)
    async with open_gitlab(connection) as client:
        yield GitLabForge(client, projects=connection.projects, url=connection.url)
