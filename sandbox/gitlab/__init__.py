"""A small GitLab: API v4 as python-gitlab uses it, over real bare git repositories, and webhooks as GitLab sends them.

``create_app(GitLab(folder), faults)`` is the service. Set ``GitLab.url`` to its address before projects are shown.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import Faults, WithFaults
from sandbox.gitlab import discussion, files, merge_requests, projects
from sandbox.gitlab.requests import EncodedPaths, routes
from sandbox.gitlab.state import GitLab
from sandbox.serving import reply

__all__ = ["GitLab", "create_app"]


def create_app(gitlab: GitLab, faults: Faults | None = None) -> ASGIApp:
    """The service over one instance's state."""
    table = [*projects.table(), *files.table(), *merge_requests.table(), *discussion.table()]
    app = Starlette(routes=[*routes(gitlab, table), Route("/{rest:path}", _unknown)])
    return WithFaults(EncodedPaths(app), "gitlab", faults or Faults())


async def _unknown(_: object) -> Response:
    return reply({"error": "404 Not Found"}, 404)
