"""The publish stage with its real adapters against GitLab, Slack and Teams over loopback."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from publish.agent import follow, publish
from publish.core.decision import proven
from publish.service.open import open_merge_request
from sandbox.faults import Fault
from schemas import errors
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.publish_world import PATH, World, done, world  # noqa: F401

# ruff: noqa: F811  (fixtures are imported by name)


async def test_an_accepted_plan_becomes_one_commit_one_merge_request_and_two_messages(
    world: World,
) -> None:
    record = await world.record()
    event = await done(publish(record, world.ports))
    assert event.action == "opened"
    assert event.proposal is not None
    (mr,) = world.merge_requests
    assert mr.source_branch == f"kfix/incident-{record.incident_id}"
    assert mr.title == "🤖 K-Fix: Raise the CPU limit (checkout)"
    assert {"k-fix", "automated", "high", "env::production", "team::payments"} <= set(mr.labels)
    assert [u.username for u in mr.assignees] == ["ada"]
    assert [u.username for u in mr.reviewers] == ["ada"]
    assert mr.remove_source_branch
    assert not mr.auto_merge
    repository = world.project.repository
    assert repository.read(mr.source_branch, PATH).decode() == record.plans[0].edits[0].after
    changed = repository.diff(repository.resolve("main"), repository.resolve(mr.source_branch))
    assert [
        line for line in changed.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ] == [
        "-            cpu: 500m   # was enough once",
        "+            cpu: 900m   # was enough once",
    ]
    assert len(world.slack.messages) == 1
    assert len(world.teams.cards) == 1
    assert {n.channel: n.sent for n in event.notifications} == {"slack": True, "teams": True}
    assert event.notifications[0].message_id == world.slack.messages[0].ts


async def test_the_same_record_again_changes_nothing(world: World) -> None:
    record = await world.record()
    first = await done(publish(record, world.ports))
    again = await done(publish(record, world.ports))
    assert (again.event_id, again.merge_request) == (first.event_id, first.merge_request)
    assert len(world.merge_requests) == 1
    assert len(world.slack.messages) == len(world.teams.cards) == 1


async def test_a_crash_between_commit_and_merge_request_is_taken_up_again(world: World) -> None:
    record = await world.record()
    world.faults.switch_on(Fault("gitlab", "error", route="merge_requests", method="POST", times=1))
    with pytest.raises(errors.Unavailable):
        await publish(record, world.ports)
    assert world.merge_requests == []
    assert (await done(publish(record, world.ports))).action == "opened"
    assert len(world.merge_requests) == 1
    commits = [a for a in world.faults.asked if a.method == "POST" and "commits" in a.path]
    assert len(commits) == 1


async def test_an_open_merge_request_that_the_ledger_does_not_know_is_reused(world: World) -> None:
    record = await world.record()
    forge = world.ports.forge
    assert forge is not None
    await open_merge_request(record, [proven(record.plans[0])], world.ports, forge)
    event = await done(publish(record, world.ports))
    assert event.action == "opened"
    assert len(world.merge_requests) == 1


async def test_a_base_that_moved_elsewhere_does_not_matter(world: World) -> None:
    record = await world.record()
    world.write("a: 3\n", "apps/cart/deploy.yaml")
    assert (await done(publish(record, world.ports))).action == "opened"


async def test_the_same_edit_is_made_again_when_only_the_surroundings_moved(world: World) -> None:
    record = await world.record()
    world.write("# a new head\n" + sample.MANIFEST + "---\nkind: ConfigMap\n")
    assert (await done(publish(record, world.ports))).action == "opened"
    (mr,) = world.merge_requests
    text = world.project.repository.read(mr.source_branch, PATH).decode()
    assert (
        text
        == "# a new head\n"
        + sample.MANIFEST.replace("cpu: 500m", "cpu: 900m")
        + "---\nkind: ConfigMap\n"
    )
    assert "moved since the proof" in mr.description


@pytest.mark.parametrize(
    "text",
    [
        sample.MANIFEST.replace("cpu: 500m", "cpu: 600m"),
        sample.MANIFEST.replace("memory: 512Mi", "memory: 1Gi"),
        "kind: Other\n",
    ],
    ids=["the value", "the object", "gone"],
)
async def test_an_object_that_moved_needs_a_new_proof(world: World, text: str) -> None:
    record = await world.record()
    world.write(text)
    event = await done(publish(record, world.ports))
    assert event.action == "declined"
    assert "changed since the plan was proven" in event.text
    assert world.merge_requests == []


async def test_text_that_was_not_proven_is_never_published(world: World) -> None:
    record = await world.record()
    chosen = record.plans[0]
    forged = chosen.edits[0].model_copy(update={"after": chosen.edits[0].after + "# more\n"})
    chosen = chosen.model_copy(update={"edits": (forged,)})
    with pytest.raises(errors.Defect):
        await publish(record.model_copy(update={"plans": (chosen,)}), world.ports)
    assert world.project.repository.branches().keys() == {"main"}


async def test_a_foreign_branch_of_our_name_is_left_alone(world: World) -> None:
    record = await world.record()
    branch = f"kfix/incident-{record.incident_id}"
    world.project.repository.create_branch(branch, "main")
    with pytest.raises(errors.Rejected, match="something else"):
        await publish(record, world.ports)
    assert world.merge_requests == []


async def test_a_protected_branch_name_needs_a_person(world: World) -> None:
    from sandbox.gitlab.state import Protection

    record = await world.record()
    world.project.protected[f"kfix/incident-{record.incident_id}"] = Protection()
    with pytest.raises(errors.Unauthorized):
        await publish(record, world.ports)


async def test_a_deleted_project_is_said_so(world: World) -> None:
    record = await world.record()
    world.state.projects.clear()
    with pytest.raises(errors.NotFound):
        await publish(record, world.ports)


@pytest.mark.parametrize("service", ["slack", "teams"])
async def test_a_chat_that_is_down_delays_and_doubles_nothing(world: World, service: str) -> None:
    record = await world.record()
    world.faults.switch_on(Fault(service, "error", status=503))
    event = await done(publish(record, world.ports))
    assert event.action == "opened"
    assert {n.channel: n.sent for n in event.notifications}[service] is False
    world.faults.clear()
    again = await done(publish(record, world.ports))
    assert all(n.sent for n in again.notifications)
    assert len(world.slack.messages) == len(world.teams.cards) == len(world.merge_requests) == 1


async def test_later_alerts_are_comments_and_not_too_many(world: World) -> None:
    await publish(await world.record(), world.ports)
    for minutes in (10, 50, 61, 70, 130):
        world.now[0] = sample.NOW + timedelta(minutes=minutes)
        later = await world.record(role="repeat", event_id=f"val-{minutes}")
        await publish(later, world.ports)
        await publish(later, world.ports)
    (mr,) = world.merge_requests
    assert len([n for n in mr.notes if "came again" in n.body]) == 2


async def test_a_recovery_is_said_on_the_merge_request_once(world: World) -> None:
    await publish(await world.record(), world.ports)
    over = await world.record(
        role="recovery", event_id="val-over", status="no_action", recommended=""
    )
    first = await done(publish(over, world.ports))
    await publish(over, world.ports)
    assert first.action == "updated"
    (mr,) = world.merge_requests
    assert len([n for n in mr.notes if "recovered by itself" in n.body]) == 1
    assert len(world.slack.messages) == 2


async def test_a_flapping_alert_makes_one_merge_request_and_few_words(world: World) -> None:
    await publish(await world.record(), world.ports)
    for number in range(8):
        world.now[0] = sample.NOW + timedelta(seconds=20 * number)
        over = await world.record(role="recovery", event_id=f"over-{number}", recommended="")
        await publish(over, world.ports)
        await publish(await world.record(role="repeat", event_id=f"on-{number}"), world.ports)
    (mr,) = world.merge_requests
    assert len(mr.notes) == 1
    assert len(world.slack.messages) == len(world.teams.cards) == 2


def at(record: ValidatedPlans, minutes: int) -> ValidatedPlans:
    """The record of an alert, or of its end, that happened then."""
    when = sample.NOW + timedelta(minutes=minutes)
    return record.model_copy(
        update={"context": record.context.model_copy(update={"alerted_at": when})}
    )


async def story(world: World) -> dict[str, ValidatedPlans]:
    """Triggered, recovered, triggered: as three records, by their own times."""
    on = await world.record()
    over = await world.record(role="recovery", event_id="val-over", recommended="")
    again = await world.record(role="repeat", event_id="val-again")
    return {"on": at(on, 0), "over": at(over, 5), "again": at(again, 9)}


def labels(world: World) -> set[str]:
    (mr,) = world.merge_requests
    return {label for label in mr.labels if label.startswith("kfix::")}


async def test_an_alert_that_is_back_is_not_over(world: World) -> None:
    said = await story(world)
    await publish(said["on"], world.ports)
    await publish(said["over"], world.ports)
    assert labels(world) == {"kfix::recovered"}
    event = await done(publish(said["again"], world.ports))
    assert event.action == "updated"
    assert labels(world) == {"kfix::proposed"}
    (mr,) = world.merge_requests
    assert "is on again" in mr.notes[-1].body
    assert "the alert is back" in str(world.slack.messages[-1].blocks)
    assert "the alert is back" in str(world.teams.cards[-1])


@pytest.mark.parametrize(
    "order",
    [
        ("on", "again", "over"),
        ("on", "over", "again", "over"),
        ("on", "over", "again", "on", "over"),
        ("on", "again", "over", "again", "over", "on"),
        ("again", "over", "on"),
        ("again", "on", "over"),
        ("over", "on", "again"),
        ("over", "again", "on"),
    ],
)
async def test_in_every_order_the_last_word_on_the_alert_wins(
    world: World, order: tuple[str, ...]
) -> None:
    said = await story(world)
    for name in order:
        await publish(said[name], world.ports)
    assert labels(world) == {"kfix::proposed"}
    (mr,) = world.merge_requests
    told = [n.body for n in mr.notes if "recovered by itself" in n.body or "on again" in n.body]
    assert not told or "on again" in told[-1]


@pytest.mark.parametrize("order", [("on", "over"), ("over", "on"), ("on", "over", "on", "over")])
async def test_an_alert_that_is_over_is_said_to_be_over_in_every_order(
    world: World, order: tuple[str, ...]
) -> None:
    said = await story(world)
    for name in order:
        await publish(said[name], world.ports)
    assert labels(world) == {"kfix::recovered"}


async def test_a_recovery_without_a_merge_request_is_quiet(world: World) -> None:
    over = await world.record(role="recovery", status="no_action", recommended="")
    assert await publish(over, world.ports) is None
    assert world.slack.messages == []


async def test_an_abstention_is_told_with_its_reason(world: World) -> None:
    record = await world.record(
        status="needs_human",
        reason="code_defect",
        explanation="The process panics.",
        recommended="",
    )
    event = await done(publish(record, world.ports))
    assert (event.action, event.reason, event.text) == (
        "declined",
        "code_defect",
        "The process panics.",
    )
    assert world.merge_requests == []
    assert "a person is needed" in str(world.slack.messages[0].blocks)
    assert (await done(publish(record, world.ports))).event_id == event.event_id
    assert len(world.slack.messages) == 1


async def test_a_closed_merge_request_is_a_decision_that_is_remembered(world: World) -> None:
    opened = await done(publish(await world.record(), world.ports))
    closed = opened.model_copy(update={"action": "closed", "occurred_at": sample.NOW})
    await follow(closed, world.ports)
    again = await world.record(incident_id="inc-later", event_id="val-2")
    event = await done(publish(again, world.ports))
    assert event.action == "declined"
    assert "closed unmerged recently" in event.text
    world.now[0] = sample.NOW + timedelta(days=15)
    assert (await done(publish(again, world.ports))).action == "opened"


@pytest.mark.parametrize("state", ["closed", "merged"])
async def test_what_people_did_is_found_out_without_a_webhook(world: World, state: str) -> None:
    record = await world.record()
    await publish(record, world.ports)
    world.merge_requests[0].state = state  # type: ignore[assignment]
    world.now[0] = sample.NOW + timedelta(hours=2)
    repeat = await world.record(role="repeat", event_id="val-later")
    assert await publish(repeat, world.ports) is None
    assert world.merge_requests[0].notes == []
    known = await world.ports.ledger.of_incident(record.incident_id)
    assert known is not None
    assert known.state == state


async def test_production_never_merges_itself_whatever_the_record_says(world: World) -> None:
    await publish(await world.record(auto_merge=True), world.ports)
    assert not [a for a in world.faults.asked if a.path.endswith("/merge")]


async def test_observation_touches_nothing_outside(world: World) -> None:
    ports = replace(world.ports, limits=replace(world.ports.limits, observe=True))
    record = await world.record()
    asked = len(world.faults.asked)
    event = await done(publish(record, ports))
    assert event.action == "declined"
    assert "Observation mode" in event.text
    assert len(world.faults.asked) == asked
    assert world.slack.messages == []


async def test_a_repository_has_so_many_open_merge_requests_and_no_more(world: World) -> None:
    ports = replace(world.ports, limits=replace(world.ports.limits, open_per_project=1))
    await publish(await world.record(), ports)
    event = await done(publish(await world.record(incident_id="inc-2", event_id="v2"), ports))
    assert event.action == "declined"
    assert "Too many open" in event.text
    world.merge_requests[0].state = "merged"
    third = await world.record(incident_id="inc-3", event_id="v3")
    assert (await done(publish(third, ports))).action == "opened"


async def test_the_breaker_pauses_a_repository_whose_merge_requests_are_all_refused(
    world: World,
) -> None:
    ports = replace(world.ports, limits=replace(world.ports.limits, breaker=2))
    for number in range(2):
        record = await world.record(
            incident_id=f"inc-{number}", event_id=f"v{number}", fingerprint=f"fp-{number}"
        )
        opened = await done(publish(record, ports))
        await follow(
            opened.model_copy(update={"action": "closed", "occurred_at": sample.NOW}), ports
        )
    event = await done(
        publish(await world.record(incident_id="inc-9", event_id="v9", fingerprint="fp-9"), ports)
    )
    assert "pauses there" in event.text


@pytest.mark.parametrize("attack", ["/merge", "x\n/approve\n", "\u2060/assign @ada", "`\n/close"])
async def test_gitlab_finds_no_quick_action_in_what_we_write(world: World, attack: str) -> None:
    record = await world.record()
    assert record.analysis is not None
    context = record.context.model_copy(
        update={"alert_title": attack, "service": attack, "team": attack}
    )
    analysis = record.analysis.model_copy(update={"root_cause": attack})
    chosen = record.plans[0]
    plan = chosen.plan.model_copy(
        update={"justification": attack, "rollback_plan": attack, "title": attack}
    )
    chosen = chosen.model_copy(update={"plan": plan})
    record = record.model_copy(
        update={"context": context, "analysis": analysis, "plans": (chosen,)}
    )
    await publish(record, world.ports)
    world.now[0] = sample.NOW + timedelta(hours=2)
    await publish(record.model_copy(update={"role": "repeat", "event_id": "later"}), world.ports)
    (mr,) = world.merge_requests
    assert len(mr.notes) == 1
    assert world.state.quick_actions == []


@pytest.mark.parametrize("filler", ["La mémoire est dépassée. ", "*[", "内存", "<&>"])
async def test_both_chats_take_a_message_of_long_texts(world: World, filler: str) -> None:
    text = (filler * 3_000)[:6_000]
    record = await world.record()
    assert record.analysis is not None
    analysis = record.analysis.model_copy(update={"root_cause": text})
    context = record.context.model_copy(update={"alert_title": text, "service": text})
    first = record.plans[0]
    plan = first.plan.model_copy(update={"justification": text})
    plans = (first.model_copy(update={"plan": plan}), *record.plans[1:])
    record = record.model_copy(update={"analysis": analysis, "context": context, "plans": plans})
    await publish(record, world.ports)
    over = record.model_copy(update={"role": "recovery", "event_id": "val-over"})
    event = await done(publish(over, world.ports))
    assert {n.channel: n.sent for n in event.notifications} == {"slack": True, "teams": True}
    assert len(world.teams.cards) == len(world.slack.messages) == 2
