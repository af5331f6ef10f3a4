"""One commit on our branch is not ours for being alone: what people made of it is neither merged nor overwritten by itself.

The process ended at some point and somebody made the branch anew, with one commit, before it came back.
"""

from __future__ import annotations

import pytest

from publish.agent import follow, publish
from publish.core.decision import proven
from publish.core.repo_policy import FILE
from publish.service.open import open_merge_request
from sandbox.faults import Fault
from sandbox.gitlab.merge_requests import set_pipeline
from sandbox.gitlab.repository import Action, Person
from sandbox.gitlab.state import DEVELOPER, MAINTAINER, Protection
from schemas import errors
from schemas.identity import branch_of
from schemas.validated import ValidatedPlans
from tests.contract.test_publish_commands import answers, comment
from tests.contract.test_publish_merging import deployed, merged, staged, told
from tests.support import publish as sample
from tests.support.publish_world import PATH, PROJECT, World, done, world  # noqa: F401

# ruff: noqa: F811  (fixtures are imported by name)

OURS = sample.validated().edits[0].after
BY_HAND = sample.MANIFEST.replace("cpu: 500m", "cpu: 850m")
#: What one commit on the branch has in place of ours.
AMENDED: dict[str, dict[str, str]] = {
    "other text": {PATH: BY_HAND},
    "another file beside ours": {PATH: OURS, "apps/other.yaml": "a: 1\n"},
    "another object in our file": {PATH: f"{OURS}---\nkind: ConfigMap\nmetadata: {{name: a}}\n"},
    "a comment in our file": {PATH: f"{OURS}# by hand\n"},
}


@pytest.fixture(autouse=True)
def unprotected(world: World) -> None:
    """The forge lets K-Fix merge: whatever is not merged here is left by K-Fix alone."""
    world.project.protected["main"] = Protection(push=DEVELOPER, merge=DEVELOPER)
    deployed(world)
    world.project.new_pipeline = "running"


def made_anew(world: World, record: ValidatedPlans, files: dict[str, str]) -> str:
    """Somebody makes the incident's branch anew from the target, with one commit."""
    repository, branch = world.project.repository, branch_of(record.incident_id)
    there = {entry.path for entry in repository.tree("main", recursive=True)}
    repository.delete_branch(branch)
    repository.create_branch(branch, "main")
    actions = [
        Action("update" if path in there else "create", path, content=text.encode())
        for path, text in files.items()
    ]
    made = repository.commit(branch, "by hand", actions, Person("Ada", "ada@example.com"))
    sha = str(made if isinstance(made, str) else made.id)
    for mr in world.merge_requests:
        mr.sha = sha
    return sha


async def passes(world: World, record: ValidatedPlans) -> None:
    """The pipeline of what is on the branch succeeds, and K-Fix hears of it."""
    (mr,) = world.merge_requests
    await set_pipeline(world.state, world.project, mr, "success")
    await follow(told(record, "success"), world.ports)


async def opened_and_forgotten(world: World) -> ValidatedPlans:
    """A merge request is open, and the process ended before the ledger knew of it."""
    record, forge = await staged(world), world.ports.forge
    assert forge is not None
    plans = [proven(record.plans[0], alone=True)]
    await open_merge_request(record, plans, world.ports, forge)
    return record


@pytest.mark.parametrize("files", AMENDED.values(), ids=AMENDED)
async def test_what_is_found_after_a_crash_merges_by_itself_only_as_we_made_it(
    world: World, files: dict[str, str]
) -> None:
    record = await opened_and_forgotten(world)
    made_anew(world, record, files)
    assert (await done(publish(record, world.ports))).action == "opened"
    await passes(world, record)
    await publish(record, world.ports)
    assert merged(world) == []


async def test_what_is_found_after_a_crash_as_we_made_it_merges_by_itself(world: World) -> None:
    record = await opened_and_forgotten(world)
    assert (await done(publish(record, world.ports))).action == "opened"
    assert merged(world) == []
    await passes(world, record)
    assert merged(world) == ["merged"]


@pytest.mark.parametrize(
    "files", [AMENDED["another file beside ours"], AMENDED["a comment in our file"]]
)
async def test_a_record_that_comes_again_takes_nobody_elses_commit_for_ours(
    world: World, files: dict[str, str]
) -> None:
    record = await staged(world)
    await publish(record, world.ports)
    made_anew(world, record, files)
    await passes(world, record)
    await publish(record, world.ports)
    assert merged(world) == []


@pytest.mark.parametrize(
    "files", [AMENDED["another file beside ours"], AMENDED["a comment in our file"]]
)
async def test_a_branch_without_its_merge_request_merges_only_as_we_made_it(
    world: World, files: dict[str, str]
) -> None:
    record = await staged(world)
    fault = Fault("gitlab", "error", route="merge_requests", method="POST", times=1)
    world.faults.switch_on(fault)
    with pytest.raises(errors.Unavailable):
        await publish(record, world.ports)
    made_anew(world, record, files)
    assert (await done(publish(record, world.ports))).action == "opened"
    await passes(world, record)
    assert merged(world) == []


@pytest.mark.parametrize("files", [AMENDED["other text"], AMENDED["another file beside ours"]])
async def test_what_people_made_of_the_branch_is_not_overwritten_after_a_crash(
    world: World, files: dict[str, str]
) -> None:
    record = await opened_and_forgotten(world)
    second = sample.validated("700m", base_commit=record.plans[0].edits[0].base_commit)
    record = record.model_copy(update={"plans": (record.plans[0], second)})
    sha = made_anew(world, record, files)
    await publish(record, world.ports)
    wish = comment("/kfix alternative 2")
    mine = {"incident_id": record.incident_id}
    await follow(wish.model_copy(update=mine), world.ports)
    assert world.project.repository.branches()[branch_of(record.incident_id)] == sha
    assert "Somebody else changed this branch" in answers(world)[-1]


async def test_an_incident_has_one_merge_request_whichever_repository_it_is_in(
    world: World,
) -> None:
    """The owners of the first repository change their mind between a crash and the next try."""
    elsewhere = "shop/platform"
    roles = {"ada": MAINTAINER, "kfix-bot": DEVELOPER}
    people = {user: roles[user.username] for user in world.state.users.values()}
    other = world.state.add_project(elsewhere, sample.FILES, people)
    world.add(FILE, "version: 1\npropose: false\n")
    record, head = await world.record(), await world.gitlab.head(elsewhere, "main")
    second = sample.validated("700m")
    edits = tuple(
        e.model_copy(update={"project": elsewhere, "base_commit": head}) for e in second.edits
    )
    second = second.model_copy(update={"edits": edits})
    record = record.model_copy(update={"plans": (record.plans[0], second)})
    forge = world.ports.forge
    assert forge is not None
    await open_merge_request(record, [proven(p) for p in record.plans], world.ports, forge)
    assert len(other.merge_requests) == 1
    world.write("version: 1\n", FILE)
    made = await done(publish(record, world.ports))
    assert world.merge_requests == []
    assert made.merge_request is not None
    assert made.merge_request.project == elsewhere
    assert made.proposal is not None
    assert made.proposal.plan.plan_id == second.plan.plan_id


async def test_an_alternative_that_changes_less_takes_the_rest_back(world: World) -> None:
    second = "apps/second.yaml"
    world.add(second, sample.MANIFEST)
    head = await world.gitlab.head(PROJECT, "main")
    little = sample.validated(base_commit=head)
    edits = (*little.edits, little.edits[0].model_copy(update={"path": second}))
    more = little.plan.model_copy(update={"plan_id": "more", "changes_hash": "more"})
    much = little.model_copy(update={"plan": more, "edits": edits})
    record = await world.record()
    record = record.model_copy(update={"plans": (much, little), "recommended": "more"})
    await publish(record, world.ports)
    branch = branch_of(record.incident_id)
    read = world.project.repository.read
    assert read(branch, second).decode() == OURS
    await follow(comment("/kfix alternative 2"), world.ports)
    assert read(branch, PATH).decode() == OURS
    assert read(branch, second).decode() == sample.MANIFEST
