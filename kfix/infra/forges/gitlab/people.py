"""From names as people write them (``ada``, ``@team/sre``, ``@@maintainer``, an address) to GitLab's users."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kfix.incident.forge.port import Role
from kfix.infra.clients.boundary import guarded, same
from kfix.infra.forges.gitlab.client import GitLab, check_project
from schemas import errors

#: Roles as CODEOWNERS names them, and their access levels. Source: docs.gitlab.com/api/access_requests.
_ROLES = {"developer": 30, "maintainer": 40, "owner": 50}
#: From which access level on somebody has a role.
_LEVELS = {10: Role.READER, 30: Role.DEVELOPER, 40: Role.MAINTAINER, 50: Role.OWNER}
#: Members of a group that are looked at.
_MEMBERS = 100
#: Names that are looked up for one merge request.
_NAMES = 20


@guarded("GitLab")
class GitLabPeople:
    """Users of one GitLab. Who is not known is left out: a merge request is worth more than its reviewers."""

    def __init__(self, gitlab: GitLab) -> None:
        self._gitlab = gitlab
        self._me: tuple[int, str] | None = None

    async def me(self) -> tuple[int, str]:
        """Id and user name behind our token."""
        if self._me is None:
            self._me = await self._gitlab.read(_own)
        return self._me

    async def user_id(self, name: str) -> int | None:
        """The user of exactly that name."""
        found = await self._gitlab.read(lambda gl: gl.users.list(username=name, get_all=False))
        return next((int(u.id) for u in found if str(u.username).lower() == name.lower()), None)

    async def role(self, project: str, name: str) -> Role:
        """Role in a project, inherited or not; nobody's for who is no active member."""
        check_project(project)
        number = await self.user_id(name) if name else None
        if number is None:
            return Role.NOBODY
        try:
            member = await self._gitlab.read(
                lambda gl: gl.projects.get(project, lazy=True).members_all.get(number)
            )
        except errors.NotFound:
            return Role.NOBODY
        same("GitLab", {"id": number}, member)
        return _role(int(member.access_level)) if member.state == "active" else Role.NOBODY

    async def ids(
        self, project: str, names: Sequence[str], *, at_most: int, turn: str = ""
    ) -> list[int]:
        """Users behind the names, in their order, without ourselves. ``turn`` decides who of a group comes first."""
        own, _ = await self.me()
        found: list[int] = []
        for name in names[:_NAMES]:
            if len(found) >= at_most:
                break
            found += [n for n in await self._of(project, name, turn) if n not in (own, *found)]
        return found[:at_most]

    async def _of(self, project: str, name: str, turn: str) -> list[int]:
        if name.startswith("@@"):
            level = _ROLES.get(name[2:].removesuffix("s").lower())
            here = await self._members(
                lambda gl: gl.projects.get(check_project(project), lazy=True)
            )
            return _in_turn([number for number, held in here if held == level], turn)
        if "@" in name[1:]:
            people = await self._gitlab.read(lambda gl: gl.users.list(search=name, get_all=False))
            return [int(people[0].id)] if len(people) == 1 else []
        plain = name.removeprefix("@")
        number = None if "/" in plain else await self.user_id(plain)
        if number is not None:
            return [number]
        group = await self._members(lambda gl: gl.groups.get(plain, lazy=True))
        return _in_turn([n for n, held in group if held >= _ROLES["developer"]], turn)

    async def _members(self, of: Callable[[Any], Any]) -> list[tuple[int, int]]:
        """(id, access level) of active members; none of a group that we cannot see."""
        try:
            found: Iterable[Any] = await self._gitlab.read(
                lambda gl: of(gl).members_all.list(per_page=_MEMBERS, get_all=False)
            )
        except (errors.NotFound, errors.Unauthorized):
            return []
        return [(int(m.id), int(m.access_level)) for m in found if m.state == "active"]


def _role(level: int) -> Role:
    return max((role for least, role in _LEVELS.items() if level >= least), default=Role.NOBODY)


def _own(gl: Any) -> tuple[int, str]:
    gl.auth()
    return int(gl.user.id), str(gl.user.username)


def _in_turn(people: list[int], turn: str) -> list[int]:
    """The same people, starting with another one for another incident, so that it is not always the first who is asked."""
    start = zlib.crc32(turn.encode()) % len(people) if people else 0
    return people[start:] + people[:start]
