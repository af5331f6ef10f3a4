"""Projects, users, members, labels, hooks and protected branches."""

from __future__ import annotations

from starlette.responses import Response

from sandbox.gitlab import views
from sandbox.gitlab.requests import Call, RequestRefused, Table, not_found
from sandbox.gitlab.state import MAINTAINER, Hook, Project
from sandbox.serving import reply
from schemas.base import Json

_ROOT = "/projects/{project}"


def table() -> Table:
    """All paths of this part."""
    return (
        ("GET", "/version", version),
        ("GET", "/metadata", version),
        ("GET", "/user", me),
        ("GET", "/users", users),
        ("GET", "/users/{id}", user),
        ("GET", "/projects", projects),
        ("GET", _ROOT, project),
        ("GET", f"{_ROOT}/members", members),
        ("GET", f"{_ROOT}/members/all", members),
        ("GET", f"{_ROOT}/members/all/{{user}}", member),
        ("GET", "/groups/{group}/members/all", group_members),
        ("GET", f"{_ROOT}/users", members),
        ("GET", f"{_ROOT}/labels", labels),
        ("POST", f"{_ROOT}/labels", create_label),
        ("GET", f"{_ROOT}/hooks", hooks),
        ("POST", f"{_ROOT}/hooks", create_hook),
        ("PUT", f"{_ROOT}/hooks/{{hook}}", update_hook),
        ("DELETE", f"{_ROOT}/hooks/{{hook}}", delete_hook),
        ("GET", f"{_ROOT}/protected_branches", protected_branches),
        ("GET", f"{_ROOT}/protected_branches/{{name}}", protected_branch),
    )


async def version(call: Call) -> Response:
    """The instance's version."""
    return reply({"version": "19.2.1-ee", "revision": "sandbox", "enterprise": True})


async def me(call: Call) -> Response:
    """Whose token it is."""
    return reply({**views.user(call.gitlab, call.user), "bot": call.user.bot})


async def users(call: Call) -> Response:
    """By exact ``username``, or by a part of name or username, or the whole public address, in ``search``."""
    wanted, search = call.asked("username").lower(), call.asked("search").lower()
    found = [
        u
        for u in call.gitlab.users.values()
        if (not wanted or u.username.lower() == wanted)
        and (search in f"{u.username} {u.name}".lower() or search == u.person.email.lower())
    ]
    return call.paged(found, lambda u: views.user(call.gitlab, u))


async def user(call: Call) -> Response:
    """One user by id."""
    found = next((u for u in call.gitlab.users.values() if str(u.id) == call.part("id")), None)
    if found is None:
        raise not_found("User")
    return reply(views.user(call.gitlab, found))


async def projects(call: Call) -> Response:
    """Those the caller is a member of."""
    search = call.asked("search").lower()
    found = [
        p
        for p in call.gitlab.projects.values()
        if call.user.id in p.members and search in p.path.lower()
    ]
    return call.paged(found, lambda p: views.project(call.gitlab, p, call.access(p)))


async def project(call: Call) -> Response:
    """One project by id or full path."""
    found = call.project()
    return reply(views.project(call.gitlab, found, call.access(found)))


async def members(call: Call) -> Response:
    """Members with their access levels."""
    found, query = call.project(), call.asked("query").lower()
    people = [call.gitlab.users[number] for number in found.members]
    kept = [u for u in people if query in f"{u.username} {u.name}".lower()]
    return call.paged(
        kept, lambda u: {**views.user(call.gitlab, u), "access_level": found.members[u.id]}
    )


async def member(call: Call) -> Response:
    """One member by user id, inherited or direct; 404 for everybody else."""
    found = call.project()
    person = call.gitlab.users.get(int(call.part("user"))) if call.part("user").isdigit() else None
    if person is None or person.id not in found.members:
        raise RequestRefused(404, {"message": "404 Not found"})
    return reply({**views.user(call.gitlab, person), "access_level": found.members[person.id]})


async def group_members(call: Call) -> Response:
    """Members of a group by its full path, inherited ones too; 404 for groups that the caller cannot see."""
    people = call.gitlab.groups.get(call.part("group"))
    if people is None or call.user not in people:
        raise not_found("Group")
    return call.paged(
        list(people.items()),
        lambda item: {**views.user(call.gitlab, item[0]), "access_level": item[1]},
    )


async def labels(call: Call) -> Response:
    """The project's labels."""
    found = sorted(call.project().labels.items())
    return call.paged(list(enumerate(found, 1)), lambda item: views.label(item[0], *item[1]))


async def create_label(call: Call) -> Response:
    """A label; an existing name is a conflict."""
    found, name, color = call.project(), call.required("name"), call.required("color")
    if name in found.labels:
        raise RequestRefused(409, {"message": "Label already exists"})
    found.labels[name] = color
    return reply(views.label(len(found.labels), name, color), 201)


async def hooks(call: Call) -> Response:
    """The project's webhooks; maintainers only."""
    found = call.project(MAINTAINER)
    return call.paged(found.hooks, lambda h: views.hook(found, h))


async def create_hook(call: Call) -> Response:
    """A webhook with a plain token or a signing token."""
    found = call.project(MAINTAINER)
    hook = Hook(call.gitlab.next_id(), call.required("url"))
    _fill(call, hook)
    found.hooks.append(hook)
    return reply(views.hook(found, hook), 201)


def _fill(call: Call, hook: Hook) -> None:
    if call.given("token") is not None:
        hook.token = str(call.given("token"))
    if call.given("signing_token") is not None:
        hook.signing_token = str(call.given("signing_token"))
    hook.merge_requests_events = _flag(call.given("merge_requests_events"), False)
    hook.note_events = _flag(call.given("note_events"), False)
    hook.pipeline_events = _flag(call.given("pipeline_events"), False)


def _flag(value: Json, default: bool) -> bool:
    return default if value is None else str(value).lower() == "true"


def _hook(call: Call, found: Project) -> Hook:
    hook = next((h for h in found.hooks if str(h.id) == call.part("hook")), None)
    if hook is None:
        raise not_found("Hook")
    return hook


async def update_hook(call: Call) -> Response:
    """Changes a webhook and switches it on again."""
    found = call.project(MAINTAINER)
    hook = _hook(call, found)
    hook.url = call.required("url")
    _fill(call, hook)
    hook.failures, hook.disabled_until = 0, 0.0
    return reply(views.hook(found, hook))


async def delete_hook(call: Call) -> Response:
    """Removes a webhook."""
    found = call.project(MAINTAINER)
    found.hooks.remove(_hook(call, found))
    return Response(status_code=204)


def _protected(found: Project, name: str) -> Json:
    rule = found.protected[name]
    return {
        "name": name,
        "push_access_levels": [{"access_level": rule.push}],
        "merge_access_levels": [{"access_level": rule.merge}],
        "allow_force_push": False,
    }


async def protected_branches(call: Call) -> Response:
    """Branches with rules."""
    found = call.project()
    return call.paged(sorted(found.protected), lambda name: _protected(found, name))


async def protected_branch(call: Call) -> Response:
    """The rules of one branch."""
    found, name = call.project(), call.part("name")
    if name not in found.protected:
        raise RequestRefused(404, {"message": "404 Not found"})
    return reply(_protected(found, name))
