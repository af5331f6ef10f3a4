"""What every endpoint of the API shares: who asks, which project, errors, pages, limits.

Paths are matched as they were sent (``group%2Fproject``, ``app%2Fdeploy.yaml`` are one segment each).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.gitlab.repository import CommitRefused, NoSuchFile, NoSuchRef
from sandbox.gitlab.state import DEVELOPER, GitLab, MergeRequest, Project, User
from sandbox.serving import BadBody, json_body, reply
from schemas.base import Json

T = TypeVar("T")


class RequestRefused(Exception):
    """The request is answered with an error; ``body`` is GitLab's JSON."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def not_found(what: str) -> RequestRefused:
    """``404 <what> Not Found``."""
    return RequestRefused(404, {"message": f"404 {what} Not Found"})


def forbidden(reason: str = "") -> RequestRefused:
    """``403 Forbidden``, with a reason where GitLab gives one."""
    return RequestRefused(
        403, {"message": f"403 Forbidden - {reason}" if reason else "403 Forbidden"}
    )


class EncodedPaths:
    """ASGI middleware that routes on the raw path, so that an encoded slash separates nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path")
        await self._app({**scope, "path": raw.decode("latin-1")} if raw else scope, receive, send)


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request."""

    gitlab: GitLab
    request: Request
    user: User
    body: dict[str, Json]

    def part(self, name: str) -> str:
        """A decoded segment of the path."""
        return unquote(str(self.request.path_params[name]))

    def asked(self, name: str, default: str = "") -> str:
        """A parameter from the query."""
        return self.request.query_params.get(name, default)

    def given(self, name: str) -> Json:
        """A parameter from the body or the query, as GitLab takes both."""
        value = self.body.get(name)
        return self.request.query_params.get(name) if value is None else value

    def required(self, name: str) -> str:
        """Raises RequestRefused (400) when it is missing."""
        value = self.given(name)
        if value is None or value == "":
            raise RequestRefused(400, {"error": f"{name} is missing"})
        return str(value)

    def project(self, level: int = DEVELOPER) -> Project:
        """The project of the path. Raises RequestRefused: 404 for strangers, 403 below ``level``."""
        wanted = self.part("project")
        found = next(
            (p for p in self.gitlab.projects.values() if wanted in (str(p.id), p.path)), None
        )
        if found is None or self.user.id not in found.members:
            raise not_found("Project")
        if found.members[self.user.id] < level:
            raise forbidden()
        return found

    def access(self, project: Project) -> int:
        """The caller's access level in the project."""
        return project.members.get(self.user.id, 0)

    def merge_request(self, project: Project) -> MergeRequest:
        """The merge request of the path. Raises RequestRefused (404)."""
        iid = self.part("iid")
        found = next((m for m in project.merge_requests if str(m.iid) == iid), None)
        if found is None:
            raise RequestRefused(404, {"message": "404 Not found"})
        return found

    def paged(self, items: Sequence[T], show: Callable[[T], Json]) -> Response:
        """One page of a list with GitLab's paging headers; ``per_page`` is 20, at most 100."""
        size = min(100, max(1, _whole(self.asked("per_page"), 20)))
        page = max(1, _whole(self.asked("page"), 1))
        pages = -(-len(items) // size)
        shown = items[(page - 1) * size : page * size]
        headers = {
            "X-Page": str(page),
            "X-Per-Page": str(size),
            "X-Total": str(len(items)),
            "X-Total-Pages": str(max(1, pages)),
            "X-Next-Page": str(page + 1) if page < pages else "",
            "X-Prev-Page": str(page - 1) if page > 1 else "",
            "Link": self._links(page, size, max(1, pages)),
        }
        return reply([show(item) for item in shown], headers=headers)

    def _links(self, page: int, size: int, pages: int) -> str:
        base = f"{self.request.url.scheme}://{self.request.url.netloc}{self.request.url.path}"
        named = {"first": 1, "last": pages}
        named |= {"next": page + 1} if page < pages else {}
        named |= {"prev": page - 1} if page > 1 else {}
        query = dict(self.request.query_params)
        return ", ".join(
            f'<{base}?{urlencode(query | {"page": str(number), "per_page": str(size)})}>; rel="{rel}"'
            for rel, number in named.items()
        )


def _whole(text: str, default: int) -> int:
    return int(text) if text.isdigit() else default


Endpoint = Callable[[Call], Awaitable[Response]]
Table = Sequence[tuple[str, str, Endpoint]]


def routes(gitlab: GitLab, table: Table) -> list[Route]:
    """Routes below ``/api/v4`` of ``(method, path, endpoint)``."""
    return [
        Route(f"/api/v4{path}", _endpoint(gitlab, call), methods=[method])
        for method, path, call in table
    ]


def _endpoint(gitlab: GitLab, call: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        user = gitlab.user_of(_token(request.headers))
        if user is None:
            return reply({"message": "401 Unauthorized"}, 401)
        headers, within = _limit(gitlab, user)
        if not within:
            wait = max(1, int(headers["RateLimit-Reset"]) - int(gitlab.clock()))
            headers["Retry-After"] = str(wait)
            return reply({"message": {"error": "Too many requests"}}, 429, headers)
        try:
            answer = await call(Call(gitlab, request, user, await _body(request)))
        except RequestRefused as refused:
            answer = reply(refused.body, refused.status)
        except NoSuchRef:
            answer = reply({"message": "404 Commit Not Found"}, 404)
        except NoSuchFile:
            answer = reply({"message": "404 File Not Found"}, 404)
        except CommitRefused as error:
            answer = reply({"message": str(error)}, 400)
        except BadBody:
            answer = reply({"error": "The given body is invalid"}, 400)
        answer.headers.update(headers)
        return answer

    return endpoint


async def _body(request: Request) -> dict[str, Json]:
    if not request.headers.get("content-type", "").startswith("application/json"):
        return {}
    return await json_body(request)


def _token(headers: Mapping[str, str]) -> str:
    return headers.get("private-token") or headers.get("authorization", "").removeprefix("Bearer ")


def _limit(gitlab: GitLab, user: User) -> tuple[dict[str, str], bool]:
    now = gitlab.clock()
    since, used = gitlab.used.get(user.id, (now, 0))
    if now - since >= 60:
        since, used = now, 0
    gitlab.used[user.id] = (since, used + 1)
    limit = gitlab.requests_per_minute
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Observed": str(used + 1),
        "RateLimit-Remaining": str(max(0, limit - used - 1)),
        "RateLimit-Reset": str(int(since + 60)),
    }, used < limit
