"""Stages work with a forge that is not GitLab as they do with GitLab: nothing of theirs knows which one it is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from enrich.adapters.repositories import DeclaredInRepositories
from kfix.incident.cluster_names import Fleet, Own
from kfix.incident.commands import command_of
from kfix.incident.forge.port import FileAction, Forge, Role
from kfix.infra.store import metadata
from kfix.infra.store.engine import open_engine
from manifests.refused import EditRefused
from manifests.render.plain_kustomize import BuiltIn
from publish.adapters.sql import SqlPublishLedger
from publish.agent import follow, publish
from publish.ports import PublishPorts
from publish.settings import Publish
from publish.wiring import limits_of
from safety.adapters.repositories import DeploymentRepositories
from schemas import errors
from schemas.merge_requests import MergeRequestEvent, MergeRequestRef
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.other_forge import NOW, Pull, PullForge, PullMarkdown, Repository
from tests.support.places import OURS, proof
from tests.support.publish_hostile import ATTACKS

PROJECT = "shop/deployments"
APPLICATION = b"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  source: {repoURL: https://git.example.com/shop/deployments.git, path: apps/checkout}
  destination: {name: staging-eu, namespace: shop}
"""
PATH = "apps/checkout/deploy.yaml"
#: What GitHub acts on: mentions, references, links, addresses, images, elements.
ACTIVE = re.compile(
    r"(?<![\\\w`])@\w|(?<![\\\w`])#\d|\bGH-\d|!\[|(?<!\\)\]\(|://|(?<!\\)<[a-z!/]|\bwww\.\w"
)


@dataclass
class World:
    forge: PullForge
    repository: Repository
    ports: PublishPorts

    @property
    def pull(self) -> Pull:
        (only,) = self.repository.pulls
        return only

    async def record(self, **fields: object) -> ValidatedPlans:
        return sample.record(base_commit=await self.forge.head(PROJECT, "main"), **fields)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    forge = PullForge()
    people = {"ada": Role.DEVELOPER, "guest": Role.READER}
    files = {**sample.FILES, ".github/CODEOWNERS": "* @grace\n"}
    repository = forge.create(PROJECT, files, people)
    engine = open_engine(f"sqlite:///{tmp_path}/kfix.db")
    metadata.create_all(engine)
    settings = Publish(reviewers={"*": ("ada",)}, merge_check_s=0)
    ports = PublishPorts(
        forge=forge,
        chats=(),
        ledger=SqlPublishLedger(engine),
        settings=settings,
        limits=limits_of(settings, observe=False),
        language="en",
        console_url="https://kfix.example.com",
        hosts=frozenset({"kfix.example.com"}),
        renderer=BuiltIn(),
        now=lambda: sample.NOW,
        fleet=Fleet.of(Own("eu-1")),
    )
    yield World(forge, repository, ports)
    engine.dispose()


def told(record: ValidatedPlans, ref: MergeRequestRef, **fields: object) -> MergeRequestEvent:
    """What a webhook says of the incident's pull request."""
    said = {"event_id": "e", "trace_id": "t", "occurred_at": NOW, "incident_id": record.incident_id}
    return MergeRequestEvent.model_validate({**said, "merge_request": ref, **fields})


async def opened(world: World, record: ValidatedPlans | None = None) -> MergeRequestRef:
    event = await publish(record or await world.record(), world.ports)
    assert event is not None
    assert event.action == "opened"
    assert event.merge_request is not None
    return event.merge_request


async def test_an_accepted_plan_becomes_one_pull_request_in_the_forges_own_words(
    world: World,
) -> None:
    forge: Forge = world.forge
    record = await world.record()
    ref = await opened(world, record)
    assert await opened(world, record) == ref
    assert world.pull.draft.reviewers == ("ada", "@grace")
    assert {"env: production", "team: payments", "kfix: proposed"} <= world.pull.labels
    edit = record.plans[0].edits[0]
    assert await forge.file(PROJECT, PATH, ref.branch) == edit.after.encode()
    assert "gh pr create --fill --base main" in world.pull.description
    assert "merge_request.create" not in world.pull.description
    assert len(world.pull.description) <= 65_536


async def test_doubt_is_a_switch_where_titles_do_not_tell_it(world: World) -> None:
    record = await world.record()
    unsure = record.plans[0].plan.model_copy(update={"confidence": 0.5})
    doubted = record.plans[0].model_copy(update={"plan": unsure})
    await opened(world, record.model_copy(update={"plans": (doubted,)}))
    assert world.pull.draft.not_yet
    assert not world.pull.title.startswith("Draft")


@pytest.mark.parametrize("text", ATTACKS)
def test_outside_text_is_inert_in_its_markdown(text: str) -> None:
    assert not ACTIVE.search(PullMarkdown().prose(text))


async def test_a_poisoned_plan_is_published_inert(world: World) -> None:
    record = await world.record()
    text = "see @root and #12 ![x](https://e.example/x.png) <img src=x>"
    plan = record.plans[0].plan.model_copy(update={"title": text, "justification": text})
    chosen = record.plans[0].model_copy(update={"plan": plan})
    await opened(world, record.model_copy(update={"plans": (chosen,)}))
    assert not re.search(r"@root|#12|://", world.pull.title), (
        "no Markdown in titles, but references"
    )
    shown = world.pull.description.partition("## ")[2]
    assert "root" in shown
    for line in shown.splitlines():
        if "root" in line:
            assert not ACTIVE.search(line), line


async def test_who_may_develop_is_obeyed_and_others_are_told_so(world: World) -> None:
    record = await world.record()
    ref = await opened(world, record)
    for number, person in enumerate(("guest", "ada")):
        text = "/kfix snooze 2h"
        wish = command_of(text, person)
        event = told(
            record,
            ref,
            action="note",
            actor=person,
            text=text,
            event_id=f"n{number}",
            command=wish.word,
            argument=wish.argument,
        )
        await follow(event, world.ports)
        assert len(world.pull.comments) == number + 1
    assert "kfix: snoozed" in world.pull.labels
    assert "kfix: proposed" not in world.pull.labels


async def test_a_closed_pull_request_is_a_decision(world: World) -> None:
    record = await world.record()
    ref = await opened(world, record)
    world.pull.state = "closed"
    await follow(told(record, ref, action="closed", actor="ada"), world.ports)
    again = await world.record(incident_id="inc-1", event_id="val-2")
    event = await publish(again, world.ports)
    assert event is not None
    assert event.action == "declined"


async def test_a_file_that_is_another_by_now_is_not_written(world: World) -> None:
    record = await world.record()
    world.repository.add("main", {**world.repository.at("main"), PATH: b"a: 1\n"})
    event = await publish(record, world.ports)
    assert event is not None
    assert event.action == "declined"
    assert world.repository.pulls == []
    with pytest.raises(errors.Moved):
        await world.forge.commit(PROJECT, "b", "main", "m", (FileAction(PATH, "a: 2\n", "0" * 40),))


async def test_it_merges_by_itself_when_the_commits_own_checks_passed(world: World) -> None:
    world.repository.add("main", {**world.repository.at("main"), "argocd/shop.yaml": APPLICATION})
    record = await world.record(auto_merge=True)
    context = record.context.model_copy(update={"claim": OURS, "environment": "staging"})
    chosen = record.plans[0].model_copy(update={"proof": proof("staging")})
    record = record.model_copy(update={"context": context, "plans": (chosen,)})
    ref = await opened(world, record)
    assert world.pull.state == "opened"
    event = told(record, ref, action="pipeline", text="success")
    await follow(event, world.ports)
    assert world.pull.state == "opened", "no check of that commit passed"
    world.pull.passed.add(ref.sha)
    await follow(event, world.ports)
    assert world.pull.state == "merged"


async def test_evidence_and_edits_come_from_its_repositories(world: World) -> None:
    declared, changes = await DeclaredInRepositories(
        world.forge, projects=world.forge.projects, commits=1
    ).declared(sample.OBJECT, "production")
    assert [one.path for one in declared] == [PATH]
    assert changes[0].url.startswith(world.forge.url)
    examined = DeploymentRepositories(world.forge, projects=world.forge.projects)
    found = await examined.propose([sample.change("900m")], "production")
    assert not isinstance(found, EditRefused)
    assert found.edits[0].last_commit_id == changes[0].revision


async def test_where_it_stands_is_told(world: World) -> None:
    ref = await opened(world)
    world.pull.state = "merged"
    stands = await world.forge.stands([ref])
    assert stands[ref.project, ref.iid].state == "merged"
