"""Every call of the forge on GitLab's bad days: a typed failure, a bounded number of requests, and no effect twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from kfix.incident.forge.port import FileAction, MergeRequestDraft
from kfix.infra.forges.gitlab.client import open_gitlab
from kfix.infra.forges.gitlab.forge import GitLabForge
from kfix.infra.forges.gitlab.settings import GitLabConnection
from sandbox.faults import Fault, Faults
from sandbox.gitlab import GitLab, create_app
from sandbox.gitlab.repository import Action, Person
from sandbox.gitlab.state import DEVELOPER, MAINTAINER, MergeRequest, Note, Project, Protection
from sandbox.serving import serve
from schemas import errors
from schemas.merge_requests import MergeRequestRef

PROJECT, BRANCH = "shop/deployments", "kfix/incident-inc-1"
DRAFT = MergeRequestDraft(PROJECT, BRANCH, "main", "K-Fix: x", "why", ("k-fix",), "ada", ("ada",))
NEW = FileAction("new.yaml", "kind: X\n")


@dataclass
class World:
    state: GitLab
    project: Project
    faults: Faults
    connection: GitLabConnection
    forge: GitLabForge

    async def opened(self) -> MergeRequestRef:
        await self.forge.commit(PROJECT, BRANCH, "main", "m", (NEW,))
        return await self.forge.open(DRAFT)

    def by_hand(self, content: str) -> None:
        action = Action("update", "a.yaml", content=content.encode())
        self.project.repository.commit("main", "x", [action], Person("Ada", "a@b.test"))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    state, faults = GitLab(tmp_path), Faults()
    bot = state.add_user("bot", "Bot", "bot-token")
    ada = state.add_user("ada", "Ada", "ada-token")
    project = state.add_project(PROJECT, {"a.yaml": "a: 1\n"}, {ada: MAINTAINER, bot: DEVELOPER})
    async with serve(create_app(state, faults)) as url:
        state.url = url
        connection = GitLabConnection(url=url, token=SecretStr("bot-token"), timeout_s=3)
        async with open_gitlab(connection) as gitlab:
            yield World(state, project, faults, connection, GitLabForge(gitlab))


Call = Callable[[GitLabForge, MergeRequestRef], Awaitable[object]]
READS: dict[str, Call] = {
    "find": lambda f, r: f.find(PROJECT, BRANCH),
    "head": lambda f, r: f.head(PROJECT, "main"),
    "file": lambda f, r: f.file(PROJECT, "a.yaml", "main"),
    "files": lambda f, r: f.files(PROJECT, "main", r.sha),
    "last_commit_ids": lambda f, r: f.last_commit_ids(PROJECT, "main", ("a.yaml",)),
    "noted": lambda f, r: f.noted(r, "key"),
    "role": lambda f, r: f.role(PROJECT, "ada"),
}
WRITES: dict[str, Call] = {
    "commit": lambda f, r: f.commit(PROJECT, "kfix/incident-inc-2", "main", "m", (NEW,)),
    "replace": lambda f, r: f.replace(PROJECT, BRANCH, "main", "m", (NEW,)),
    "note": lambda f, r: f.note(r, "key", "hello"),
    "mark": lambda f, r: f.mark(r, "snoozed"),
    "rewrite": lambda f, r: f.rewrite(r, "t", "d"),
    "open": lambda f, r: f.open(MergeRequestDraft(PROJECT, BRANCH, "main", "t", "d", ())),
}
TROUBLE: dict[str, tuple[Fault, type[errors.KFixError]]] = {
    "500": (Fault("gitlab", "error", status=500), errors.Unavailable),
    "502": (Fault("gitlab", "error", status=502), errors.Unavailable),
    "503": (Fault("gitlab", "error", status=503), errors.Unavailable),
    "down": (Fault("gitlab", "down"), errors.Unavailable),
    "not JSON": (Fault("gitlab", "malformed"), errors.Unavailable),
    "429": (Fault("gitlab", "rate_limited", seconds=60), errors.RateLimited),
    "401": (Fault("gitlab", "error", status=401), errors.Unauthorized),
    "403": (Fault("gitlab", "error", status=403), errors.Unauthorized),
    "422": (Fault("gitlab", "error", status=422), errors.Rejected),
    "moved away": (Fault("gitlab", "error", status=302), errors.Rejected),
}


def copy(fault: Fault, method: str = "") -> Fault:
    return Fault(
        fault.service, fault.kind, status=fault.status, seconds=fault.seconds, method=method
    )


async def test_reads_fail_with_a_type_and_after_few_requests(world: World) -> None:
    ref = await world.opened()
    await world.forge.me()
    for trouble, (fault, error) in TROUBLE.items():
        world.faults.clear()
        world.faults.switch_on(copy(fault))
        before = len(world.faults.asked)
        # An archive is no JSON; a broken one has its own test.
        names = [name for name in READS if (name, trouble) != ("files", "not JSON")]
        calls = [READS[name](world.forge, ref) for name in names]
        found = await asyncio.gather(*calls, return_exceptions=True)
        for name, failure in zip(names, found, strict=True):
            assert isinstance(failure, error), (trouble, name, failure)
        tries = 3 if issubclass(error, errors.Unavailable) else 1
        assert len(world.faults.asked) - before == tries * len(names)


async def test_writes_fail_with_a_type_and_are_not_repeated(world: World) -> None:
    ref = await world.opened()
    await world.forge.me()
    for trouble, (fault, error) in TROUBLE.items():
        for name, call in WRITES.items():
            for method in ("POST", "PUT"):
                world.faults.switch_on(copy(fault, method))
            before = sum(world.faults.count("gitlab", method) for method in ("POST", "PUT"))
            with pytest.raises(error):
                await call(world.forge, ref)
            asked = sum(world.faults.count("gitlab", method) for method in ("POST", "PUT")) - before
            assert asked == 1, (name, trouble, asked)
            world.faults.clear()
    (mr,) = world.project.merge_requests
    assert (mr.notes, mr.title, mr.labels) == ([], "K-Fix: x", ["k-fix"])
    assert world.project.repository.branches().keys() == {"main", BRANCH}


@pytest.mark.parametrize("name", ["commit", "note", "open", "replace", "mark", "rewrite"])
async def test_an_answer_that_got_lost_does_not_double_what_was_done(
    world: World, name: str
) -> None:
    ref = await world.opened()
    if name == "open":
        world.project.merge_requests.clear()
    for method in ("POST", "PUT"):
        world.faults.switch_on(Fault("gitlab", "slow", method=method, seconds=0.6))
    hasty = world.connection.model_copy(update={"timeout_s": 0.2})
    async with open_gitlab(hasty) as gitlab:
        with pytest.raises(errors.TimedOut):
            await WRITES[name](GitLabForge(gitlab), ref)
    await asyncio.sleep(0.6)
    world.faults.clear()
    await WRITES[name](world.forge, ref)
    assert len(world.project.merge_requests) == 1
    assert len(world.project.merge_requests[0].notes) == (name == "note")
    branches = world.project.repository.branches()
    assert len(branches) == (3 if name == "commit" else 2)
    for branch in branches:
        assert len(world.project.repository.log(branch)) <= 2


@pytest.mark.parametrize("seconds", [0.3, 2.0])
async def test_a_short_throttle_of_a_read_is_waited_out(world: World, seconds: float) -> None:
    world.faults.switch_on(Fault("gitlab", "rate_limited", seconds=seconds, times=1))
    assert await world.forge.head(PROJECT, "main")
    assert len(world.faults.asked) == 2


async def test_the_real_limit_of_the_service_says_how_long_to_wait(world: World) -> None:
    world.state.requests_per_minute = 1
    assert await world.forge.head(PROJECT, "main")
    with pytest.raises(errors.RateLimited) as raised:
        await world.forge.head(PROJECT, "main")
    assert raised.value.retry_after_s is not None
    assert 5 < raised.value.retry_after_s <= 60


async def test_one_key_is_found_among_hundreds_of_comments(world: World) -> None:
    ref = await world.opened()
    assert await world.forge.note(ref, "ours", "first")
    (mr,) = world.project.merge_requests
    ada = next(u for u in world.state.users.values() if u.username == "ada")
    mr.notes += [Note(1_000 + n, ada, f"word {n}", 1.0, 1.0) for n in range(150)]
    before = len(world.faults.asked)
    assert not await world.forge.note(ref, "ours", "again")
    assert world.faults.count("gitlab", "GET", "notes") >= 3, "two pages, and the one before"
    assert len(world.faults.asked) - before == 2


async def test_a_mark_in_somebody_elses_comment_is_not_ours(world: World) -> None:
    ref = await world.opened()
    (mr,) = world.project.merge_requests
    ada = next(u for u in world.state.users.values() if u.username == "ada")
    mr.notes.append(Note(99, ada, "<!-- k-fix ours -->", 1.0, 1.0))
    assert await world.forge.note(ref, "ours", "said all the same")


async def test_the_open_one_is_found_among_many_of_a_branch(world: World) -> None:
    ref = await world.opened()
    (mr,) = world.project.merge_requests
    for number in range(60):
        old = MergeRequest(
            500 + number,
            500 + number,
            mr.author,
            "old",
            "",
            BRANCH,
            "main",
            mr.sha,
            mr.created + number + 1,
            mr.updated,
            state="closed",
        )
        world.project.merge_requests.append(old)
    found = await world.forge.find(PROJECT, BRANCH)
    assert found is not None
    assert (found.ref.iid, found.state) == (ref.iid, "opened")


async def test_reviewers_of_a_large_group_take_turns(world: World) -> None:
    people = [world.state.add_user(f"u{n:03}", f"U{n}") for n in range(120)]
    bot = world.state.user_of("bot-token")
    assert bot is not None
    world.state.groups["shop/sre"] = {**dict.fromkeys(people, DEVELOPER), bot: MAINTAINER}
    asked = set()
    for number in range(3):
        branch = f"kfix/incident-inc-{number}x"
        await world.forge.commit(PROJECT, branch, "main", "m", (NEW,))
        draft = MergeRequestDraft(
            PROJECT, branch, "main", "t", "d", (), reviewers=("@shop/sre",), reviewers_at_most=2
        )
        await world.forge.open(draft)
        reviewers = world.project.merge_requests[-1].reviewers
        assert len(reviewers) == 2
        assert bot not in reviewers
        asked |= {u.username for u in reviewers}
    assert len(asked) > 2


# --- 400, 409, moved bases, protection, deletion


async def test_a_branch_that_is_there_is_an_answer(world: World) -> None:
    await world.opened()
    assert await world.forge.commit(PROJECT, BRANCH, "main", "m", (NEW,)) is None


async def test_a_second_merge_request_is_the_first(world: World) -> None:
    ref = await world.opened()
    assert await world.forge.open(DRAFT) == ref


async def test_a_conflict_without_a_merge_request_is_tried_again_later(world: World) -> None:
    await world.forge.commit(PROJECT, BRANCH, "main", "m", (NEW,))
    world.faults.switch_on(
        Fault("gitlab", "error", method="POST", route="merge_requests", status=409)
    )
    with pytest.raises(errors.Moved):
        await world.forge.open(DRAFT)


@pytest.mark.parametrize("call", ["commit", "replace"])
async def test_a_moved_base_loses_the_lock(world: World, call: str) -> None:
    await world.opened()
    locks = await world.forge.last_commit_ids(PROJECT, "main", ("a.yaml",))
    action = FileAction("a.yaml", "a: 2\n", locks["a.yaml"])
    world.by_hand("a: 7\n")
    make = world.forge.commit if call == "commit" else world.forge.replace
    branch = "kfix/incident-inc-9" if call == "commit" else BRANCH
    with pytest.raises(errors.Moved):
        await make(PROJECT, branch, "main", "m", (action,))
    assert world.project.repository.read("main", "a.yaml") == b"a: 7\n"


async def test_a_file_that_is_gone_loses_the_lock_too(world: World) -> None:
    locks = await world.forge.last_commit_ids(PROJECT, "main", ("a.yaml",))
    action = FileAction("a.yaml", "a: 2\n", locks["a.yaml"])
    gone = Action("delete", "a.yaml")
    world.project.repository.commit("main", "x", [gone], Person("Ada", "a@b.test"))
    with pytest.raises(errors.Moved):
        await world.forge.commit(PROJECT, BRANCH, "main", "m", (action,))


async def test_protected_branches_need_a_person(world: World) -> None:
    await world.opened()
    world.project.protected[BRANCH] = Protection()
    with pytest.raises(errors.Unauthorized):
        await world.forge.replace(PROJECT, BRANCH, "main", "m", (NEW,))
    with pytest.raises(errors.Unauthorized):
        await world.forge.commit(PROJECT, "main", "main", "m", (NEW,))


async def test_a_deleted_project_is_said_so(world: World) -> None:
    ref = await world.opened()
    await world.forge.me()
    world.state.projects.clear()
    for name, call in {**READS, **WRITES}.items():
        if name in ("role", "file"):
            assert not await call(world.forge, ref), "nobody has access to it, no file is there"
            continue
        with pytest.raises(errors.NotFound):
            await call(world.forge, ref)


async def test_a_target_that_is_gone_is_refused(world: World) -> None:
    await world.forge.commit(PROJECT, BRANCH, "main", "m", (NEW,))
    with pytest.raises(errors.Rejected):
        await world.forge.open(MergeRequestDraft(PROJECT, BRANCH, "gone", "t", "d", ()))


async def test_slow_answers_are_given_up(world: World) -> None:
    ref = await world.opened()
    await world.forge.me()
    world.faults.switch_on(Fault("gitlab", "slow", seconds=0.5))
    hasty = world.connection.model_copy(update={"timeout_s": 0.1})
    async with open_gitlab(hasty) as gitlab:
        forge = GitLabForge(gitlab)
        calls = [call(forge, ref) for call in (*READS.values(), *WRITES.values())]
        found = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(failure) for failure in found} == {errors.TimedOut}
    await asyncio.sleep(0.6)
