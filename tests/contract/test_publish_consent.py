"""What a repository's owners say counts: ``.kfix.yaml``, ``CODEOWNERS`` and ``# kfix: ignore``."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from manifests import EditRefused, propose
from publish.agent import follow, publish
from publish.core.repo_policy import FILE
from safety.core.validation import manifest_edit
from sandbox.faults import Fault
from sandbox.gitlab.state import DEVELOPER, MAINTAINER
from schemas import errors
from schemas.merge_requests import MergeRequestEvent
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.publish_world import PROJECT, World, done, world  # noqa: F401

# ruff: noqa: F811  (fixtures are imported by name)


async def with_file(world: World, text: str, path: str = FILE, **more: Any) -> ValidatedPlans:
    """A record over a repository that has the file."""
    world.add(path, text)
    return await world.record(**more)


async def test_what_the_owners_allow_is_opened(world: World) -> None:
    record = await with_file(world, "version: 1\npaths: [apps/**]\nkinds: [Deployment]\n")
    assert (await done(publish(record, world.ports))).action == "opened"
    assert "within `.kfix.yaml`" in world.merge_requests[0].description


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("version: 1\npropose: false\n", "says that nothing is proposed here"),
        ("version: 1\npaths: [infra/**]\n", "apps/checkout/deploy.yaml be changed"),
        ("version: 1\nmaximum: {factor: 1.2}\n", "change by 1.2 times, this is 500m to 900m"),
        ("version: 1\npathes: [apps/**]\n", "pathes: Extra inputs are not permitted"),
        ("paths: [apps/**\n", ".kfix.yaml: "),
        ("", "has 0 documents"),
    ],
)
async def test_what_they_do_not_allow_is_told_with_the_reason(
    world: World, text: str, reason: str
) -> None:
    record = await with_file(world, text)
    event = await done(publish(record, world.ports))
    assert event.action == "declined"
    assert "owners of the repository" in event.text
    assert reason in event.text
    assert world.merge_requests == []
    assert world.project.repository.branches().keys() == {"main"}
    assert reason.split(" ", maxsplit=1)[0] in str(world.slack.messages[-1].blocks)


async def test_the_reason_is_french_where_people_read_french(world: World) -> None:
    record = await with_file(world, "version: 1\npaths: [infra/**]\n")
    event = await done(publish(record, replace(world.ports, language="fr")))
    assert "ne permet pas de changer apps/checkout/deploy.yaml" in event.text


async def test_the_next_plan_is_taken_where_the_first_is_not_allowed(world: World) -> None:
    record = await with_file(world, "version: 1\nmaximum: {cpu: 800m}\n")
    head = await world.gitlab.head(PROJECT, "main")
    plans = (record.plans[0], sample.validated("700m", base_commit=head))
    event = await done(publish(record.model_copy(update={"plans": plans}), world.ports))
    assert event.proposal is not None
    assert event.proposal.plan == plans[1].plan
    (mr,) = world.merge_requests
    assert "allows cpu up to 800m, this is 900m" in mr.description


async def test_an_alternative_is_asked_of_the_owners_too(world: World) -> None:
    record = await world.record()
    head = await world.gitlab.head(PROJECT, "main")
    plans = (record.plans[0], sample.validated("1", base_commit=head))
    record = record.model_copy(update={"plans": plans})
    await publish(record, world.ports)
    world.add(FILE, "version: 1\nmaximum: {cpu: 900m}\n")
    wish = MergeRequestEvent(
        event_id="gl-1",
        occurred_at=sample.NOW,
        incident_id=record.incident_id,
        action="note",
        actor="ada",
        command="alternative",
        argument="2",
    )
    assert await follow(wish, world.ports) is None
    (mr,) = world.merge_requests
    assert "allows cpu up to 900m" in mr.notes[-1].body
    assert "900m" in world.project.repository.read(mr.source_branch, sample_path()).decode()


def sample_path() -> str:
    return sample.validated().edits[0].path


async def test_an_open_merge_request_stays_when_the_owners_change_their_mind(world: World) -> None:
    record = await world.record()
    await publish(record, world.ports)
    world.add(FILE, "version: 1\npropose: false\n")
    assert (await done(publish(record, world.ports))).action == "opened"
    assert len(world.merge_requests) == 1


async def test_a_file_that_cannot_be_read_now_is_asked_for_again(world: World) -> None:
    record = await with_file(world, "version: 1\npropose: false\n")
    world.faults.switch_on(Fault("gitlab", "error", route="kfix.yaml", status=503))
    with pytest.raises(errors.Unavailable):
        await publish(record, world.ports)
    assert world.project.repository.branches().keys() == {"main"}


async def test_the_owners_caps_narrow_those_of_the_settings(world: World) -> None:
    record = await with_file(world, "version: 1\nmerge_requests: {open: 1}\n")
    await publish(record, world.ports)
    again = {"incident_id": "inc-2", "event_id": "v2", "fingerprint": "fp-2"}
    second = await done(publish(record.model_copy(update=again), world.ports))
    assert "Too many open" in second.text
    world.merge_requests[0].state = "merged"
    third = await done(publish(record.model_copy(update={**again, "event_id": "v3"}), world.ports))
    assert third.action == "opened", "GitLab is asked what is really open"
    assert (await done(publish(record, world.ports))).action == "declined", "merged already"


@pytest.mark.parametrize("by_owners", [True, False])
async def test_so_many_an_hour_and_no_more(world: World, by_owners: bool) -> None:
    ports = world.ports
    text = "version: 1\n"
    if by_owners:
        text += "merge_requests: {per_hour: 2}\n"
    else:
        ports = replace(ports, limits=replace(ports.limits, opened_per_hour=2))
    record = await with_file(world, text)
    for number in range(4):
        world.now[0] = sample.NOW + timedelta(minutes=number * 25)
        one = {
            "incident_id": f"inc-{number}",
            "event_id": f"v{number}",
            "fingerprint": f"f{number}",
            "context": record.context.model_copy(update={"cluster": f"eu-{number}"}),
        }
        mine = sample.of_its_own(record.model_copy(update=one), number)
        event = await done(publish(mine, ports))
        assert event.action == ("declined" if number == 2 else "opened"), number
    assert len(world.merge_requests) == 3


async def test_owners_of_the_changed_file_are_asked_for_review(world: World) -> None:
    cleo = world.state.add_user("cleo", "Cleo")
    dave = world.state.add_user("dave", "Dave")
    erin, bot = world.state.add_user("erin", "Erin"), world.project.members
    world.state.groups["shop/sre"] = {
        dave: DEVELOPER,
        erin: 20,
        world.state.user_of("bot-token"): MAINTAINER,  # type: ignore[dict-item]
    }
    assert bot
    owners = "* @nobody\n[Apps] @cleo\n/apps/\n[Ops]\n*.yaml @shop/sre cleo@sandbox.test\n"
    record = await with_file(world, owners, "docs/CODEOWNERS")
    settings = world.ports.settings.model_copy(update={"reviewers": {}})
    await publish(record, replace(world.ports, settings=settings))
    (mr,) = world.merge_requests
    assert [u.username for u in mr.reviewers] == [cleo.username, dave.username]


async def test_who_is_named_comes_first_and_there_are_so_many_at_most(world: World) -> None:
    for name in ("cleo", "dave", "erin"):
        person = world.state.add_user(name, name)
        world.project.members[person.id] = DEVELOPER
    world.add("CODEOWNERS", "* @dave @erin\n")
    text = "version: 1\nreviewers: ['@@maintainer', cleo]\n"
    await publish(await with_file(world, text), world.ports)
    (mr,) = world.merge_requests
    assert [u.username for u in mr.reviewers] == ["ada", "cleo", "dave"]


async def test_a_broken_list_of_owners_stops_nothing(world: World) -> None:
    record = await with_file(world, "[x\n* @\\\n^[[y]] @ada/../..\n*.yaml @@nobody", "CODEOWNERS")
    assert (await done(publish(record, world.ports))).action == "opened"


async def test_little_confidence_makes_a_draft_that_does_not_merge_itself(world: World) -> None:
    record = await world.record(auto_merge=True)
    plan = record.plans[0].plan.model_copy(update={"confidence": 0.5})
    staging = record.context.model_copy(update={"environment": "staging"})
    plans = (record.plans[0].model_copy(update={"plan": plan}),)
    await publish(record.model_copy(update={"plans": plans, "context": staging}), world.ports)
    (mr,) = world.merge_requests
    assert mr.draft
    assert mr.title.startswith("Draft: 🤖 K-Fix: ")
    assert "not sure enough" in mr.description
    assert world.faults.count("gitlab", "PUT", "/merge$") == 0


async def test_a_document_that_asks_to_be_left_alone_is_named_in_the_refusal(world: World) -> None:
    files = {
        path: text.replace("# checkout", "# kfix: ignore\n# checkout")
        for path, text in sample.FILES.items()
    }
    refused = propose(
        files, [sample.change("900m")], environment="production", project="p", ref="main"
    )
    assert isinstance(refused, EditRefused)
    record = await world.record()
    stopped = record.plans[0].model_copy(
        update={
            "accepted": False,
            "rejected_by": ("manifest_edit",),
            "checks": (manifest_edit(refused),),
            "edits": (),
        }
    )
    update = {"plans": (stopped,), "recommended": "", "status": "needs_human", "explanation": ""}
    event = await done(publish(record.model_copy(update=update), world.ports))
    assert event.action == "declined"
    assert "IGNORED" in event.text
    assert "asks K-Fix to leave the document alone" in event.text
