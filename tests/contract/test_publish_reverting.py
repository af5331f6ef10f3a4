"""A merged fix that did not hold: the merge request that takes it back, the messages, and every point of a crash."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kfix.incident.inert import BREAK
from publish.agent import follow, publish, remember
from publish.core.failed import Fate
from sandbox.faults import Fault
from schemas import errors
from schemas.context import AttemptedChange, FailedAttempt
from schemas.feedback import Feedback
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Measurement, Outcome
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.publish_world import PATH, World, done, world  # noqa: F401

# ruff: noqa: F811  (fixtures are imported by name)

MERGED_AT = sample.NOW + timedelta(minutes=10)


def outcome(record: ValidatedPlans, **more: Any) -> Outcome:
    made: dict[str, Any] = {
        "event_id": "out-1",
        "trace_id": record.trace_id,
        "occurred_at": MERGED_AT + timedelta(minutes=15),
        "incident_id": record.incident_id,
        "fingerprint": record.fingerprint,
        "result": "failure",
        "failure_class": "cpu_throttling",
        "object": sample.OBJECT,
        "plan": record.plans[0].plan,
        "measurements": (
            Measurement(name="throttled_ratio", before=0.42, after=0.40, verdict="same"),
        ),
        "explanation": "CPU periods throttled 42 % → 40 %",
        "merged_at": MERGED_AT,
        "checked_at": MERGED_AT + timedelta(minutes=15),
        **more,
    }
    return Outcome(**made)


async def merged(world: World, **fields: Any) -> ValidatedPlans:
    """A record whose merge request was merged by a person."""
    record = await world.record(**fields)
    opened = await done(publish(record, world.ports))
    mr = world.merge_requests[-1]
    world.write(world.project.repository.read(mr.source_branch, PATH).decode())
    mr.state = "merged"
    event = MergeRequestEvent(
        event_id=f"merged-{record.incident_id}",
        occurred_at=MERGED_AT,
        incident_id=record.incident_id,
        action="merged",
        merge_request=opened.merge_request,
        merged_at=MERGED_AT,
    )
    await follow(event, world.ports)
    world.now[0] = MERGED_AT + timedelta(minutes=16)
    return record


def bodies(world: World, at: int) -> str:
    return "\n".join(note.body for note in world.merge_requests[at].notes).replace(BREAK, "")


async def test_the_change_is_taken_back_by_a_merge_request_of_its_own_and_people_are_told_once(
    world: World,
) -> None:
    record = await merged(world)
    messages, cards = len(world.slack.messages), len(world.teams.cards)
    event = await done(remember(outcome(record), world.ports))
    assert (event.action, event.incident_id) == ("revert_opened", record.incident_id)
    first, back = world.merge_requests
    assert event.merge_request is not None
    assert event.merge_request.iid == back.iid
    assert back.source_branch == f"kfix/incident-{record.incident_id}-revert"
    assert back.state == "opened"
    assert not back.auto_merge
    assert back.title.replace(BREAK, "") == "🤖 K-Fix: Take back !1: Raise the CPU limit (checkout)"
    assert {"k-fix", "kfix-fix::revert", "env::production"} <= set(back.labels)
    repository = world.project.repository
    assert repository.read(back.source_branch, PATH).decode() == sample.MANIFEST
    for said in ("42 %", "!1", "-            cpu: 900m   # was enough once", "Nobody but people"):
        assert said in back.description
    assert f"!{back.iid}" in bodies(world, 0)
    assert "kfix::failed" in first.labels
    assert len(world.slack.messages) == messages + 1
    assert len(world.teams.cards) == cards + 1
    said = str(world.slack.messages[-1].blocks).replace(BREAK, "")
    for part in ("did not hold", "!1 Raise the CPU limit", "40", event.merge_request.url):
        assert part in said
    again = await done(remember(outcome(record), world.ports))
    assert again.event_id == event.event_id
    words = outcome(record, event_id="out-feedback")
    await remember(words, world.ports)
    assert len(world.merge_requests) == 2
    assert len(world.slack.messages) == messages + 1


@pytest.mark.parametrize("hours", [2, -1], ids=["silence", "silence that is over"])
async def test_while_people_want_silence_no_next_plan_is_promised(world: World, hours: int) -> None:
    record = await merged(world)
    until = world.now[0] + timedelta(hours=hours)
    await world.ports.ledger.snooze(record.incident_id, until)
    await remember(outcome(record), world.ports)
    said = str(world.slack.messages[-1].blocks).replace(BREAK, "")
    promised = "comes in a message of its own" in said
    assert promised == (hours < 0)
    assert (f"People want silence until {until:%Y-%m-%d}" in said) == (hours > 0)


async def test_what_others_changed_since_stays(world: World) -> None:
    record = await merged(world)
    now = sample.MANIFEST.replace("cpu: 500m", "cpu: 900m").replace("replicas: 3", "replicas: 5")
    world.write("# mended\n" + now)
    await done(remember(outcome(record), world.ports))
    back = world.merge_requests[1]
    text = world.project.repository.read(back.source_branch, PATH).decode()
    assert text == "# mended\n" + sample.MANIFEST.replace("replicas: 3", "replicas: 5")


async def test_where_somebody_changed_the_line_since_none_is_opened_and_the_line_is_told(
    world: World,
) -> None:
    record = await merged(world)
    world.write(sample.MANIFEST.replace("cpu: 500m", "cpu: 1200m"))
    refused = await done(remember(outcome(record), world.ports))
    assert (refused.action, refused.incident_id) == ("updated", record.incident_id)
    assert "cpu: 1200m" in refused.text
    assert {n.channel for n in refused.notifications} == {"slack", "teams"}
    assert len(world.merge_requests) == 1
    assert "cpu: 1200m" in bodies(world, 0)
    assert "cpu: 1200m" in str(world.slack.messages[-1].blocks).replace(BREAK, "")
    world.write(sample.MANIFEST.replace("cpu: 500m", "cpu: 900m"))
    again = await done(remember(outcome(record, event_id="out-2"), world.ports))
    assert again.event_id == refused.event_id
    assert len(world.merge_requests) == 1, "the first word stays"


@pytest.mark.parametrize(
    "policy", ["version: 1\npropose: false\n", "version: 1\npaths: [other/**]\n"]
)
async def test_what_the_owners_do_not_want_is_not_taken_back_either(
    world: World, policy: str
) -> None:
    record = await merged(world)
    world.add(".kfix.yaml", policy)
    assert (await done(remember(outcome(record), world.ports))).action == "updated"
    assert len(world.merge_requests) == 1
    assert ".kfix.yaml" in str(world.slack.messages[-1].blocks).replace(BREAK, "")


async def test_caps_hold_and_the_breaker_does_not_stop_the_remedy(world: World) -> None:
    record = await merged(world)
    ports = replace(world.ports, limits=replace(world.ports.limits, breaker=1, open_per_project=0))
    assert (await done(remember(outcome(record), ports))).action == "updated"
    fate = await world.ports.ledger.fate_of(record.incident_id)
    assert fate == Fate("capped")


async def test_a_revert_that_people_close_is_no_decision_about_a_fix(world: World) -> None:
    record = await merged(world)
    event = await done(remember(outcome(record), world.ports))
    world.merge_requests[1].state = "closed"
    closed = MergeRequestEvent(
        event_id="closed-1",
        occurred_at=world.now[0],
        incident_id=f"{record.incident_id}-revert",
        action="closed",
        merge_request=event.merge_request,
    )
    await follow(closed, world.ports)
    known = await world.ports.ledger.of_incident(f"{record.incident_id}-revert")
    assert known is not None
    assert known.state == "closed"
    assert world.merge_requests[1].notes == []
    ports = replace(world.ports, limits=replace(world.ports.limits, breaker=1))
    second = await next_record(world, record)
    assert (await done(publish(second, ports))).action == "opened"


async def test_in_observe_mode_nothing_is_touched(world: World) -> None:
    record = await merged(world)
    before = len(world.slack.messages)
    ports = replace(world.ports, limits=replace(world.ports.limits, observe=True))
    assert await remember(outcome(record), ports) is None
    assert (len(world.merge_requests), len(world.slack.messages)) == (1, before)


@pytest.mark.parametrize(
    "more",
    [
        {"result": "partial"},
        {"result": "success"},
        {"result": "rejected", "checked_at": None, "merged_at": None},
        {"came_back_at": MERGED_AT + timedelta(hours=5)},
        {"incident_id": "inc-0123456789abcdef-revert"},
    ],
)
async def test_only_a_fix_that_failed_when_it_was_watched_is_taken_back(
    world: World, more: dict[str, Any]
) -> None:
    record = await merged(world)
    assert await remember(outcome(record, **more), world.ports) is None
    assert len(world.merge_requests) == 1


async def next_record(world: World, first: ValidatedPlans) -> ValidatedPlans:
    """The second attempt's record: more of the same."""
    head = await world.gitlab.head("shop/deployments", "main")
    made = sample.record(base_commit=head)
    chosen = made.plans[0]
    text = world.project.repository.read("main", PATH).decode()
    change = sample.change("1500m", "900m")
    plan = chosen.plan.model_copy(
        update={"plan_id": "plan-1500m", "kubernetes_changes": (change,), "confidence": 0.8}
    )
    from manifests import EditRefused, propose

    edits = propose(
        {PATH: text},
        plan.kubernetes_changes,
        environment="production",
        project="shop/deployments",
        ref="main",
        base_commit=head,
    )
    assert not isinstance(edits, EditRefused)
    chosen = chosen.model_copy(update={"plan": plan, "edits": tuple(edits)})
    failed = FailedAttempt(
        incident_id=first.incident_id,
        fingerprint=first.fingerprint,
        fix_kind="set_cpu",
        title="Raise the CPU limit",
        changes=(
            AttemptedChange(
                object_key=sample.OBJECT.key, path=sample.CPU, before="500m", after="900m"
            ),
        ),
        iid=1,
        url="https://gitlab.example.com/1",
        merged_at=MERGED_AT,
        explanation="CPU periods throttled 42 % → 40 %",
    )
    context = made.context.model_copy(update={"failed_attempts": (failed,)})
    update = {
        "event_id": "val-try2",
        "incident_id": f"{first.incident_id}-try2",
        "plans": (chosen,),
        "recommended": "plan-1500m",
        "context": context,
    }
    return made.model_copy(update=update)


@pytest.mark.parametrize("order", ["revert first", "plan first"])
async def test_the_next_plan_and_the_way_back_know_of_each_other_in_any_order(
    world: World, order: str
) -> None:
    record = await merged(world)
    second = await next_record(world, record)
    steps = [lambda: remember(outcome(record), world.ports), lambda: publish(second, world.ports)]
    for step in steps if order == "revert first" else reversed(steps):
        await step()
    by_branch = {mr.source_branch: mr for mr in world.merge_requests}
    back = by_branch[f"kfix/incident-{record.incident_id}-revert"]
    plan = by_branch[f"kfix/incident-{record.incident_id}-try2"]
    assert {back.state, plan.state} == {"opened"}
    assert "Attempt 2 at this incident" in plan.description
    for said in ("`500m → 900m`", "2026-03-02 10:10 UTC and did not hold", "42 % → 40 %"):
        assert said in plan.description
    shown = plan.description + "".join(note.body for note in plan.notes)
    assert f"`!{back.iid}`" in shown
    assert f"`!{plan.iid}`" in "".join(note.body for note in back.notes)


async def test_when_one_of_the_two_is_merged_the_other_one_says_that_it_can_be_closed(
    world: World,
) -> None:
    record = await merged(world)
    await remember(outcome(record), world.ports)
    opened = await done(publish(await next_record(world, record), world.ports))
    event = MergeRequestEvent(
        event_id="merged-try2",
        occurred_at=world.now[0],
        incident_id=f"{record.incident_id}-try2",
        action="merged",
        merge_request=opened.merge_request,
    )
    await follow(event, world.ports)
    await follow(event, world.ports)
    said = [note.body for note in world.merge_requests[1].notes if "can be closed" in note.body]
    assert len(said) == 1


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(
    ("on", "call", "after"),
    [
        ("forge", "commit", True),
        ("forge", "open", False),
        ("forge", "open", True),
        ("ledger", "opened", True),
        ("ledger", "keep_fate", False),
        ("ledger", "keep_fate", True),
        ("forge", "note", True),
        ("ledger", "keep_told", True),
    ],
)
async def test_killed_at_any_point_there_is_one_merge_request_and_one_message(
    world: World, on: str, call: str, after: bool
) -> None:
    record = await merged(world)
    messages = len(world.slack.messages)
    dying = Dying(getattr(world.ports, on), call, after=after)
    with pytest.raises(Killed):
        await remember(outcome(record), replace(world.ports, **{on: dying}))
    event = await done(remember(outcome(record), world.ports))
    assert event.action == "revert_opened"
    assert len(world.merge_requests) == 2
    text = world.project.repository.read(world.merge_requests[1].source_branch, PATH).decode()
    assert text == sample.MANIFEST
    sent = len(world.slack.messages) - messages
    # A message that went out when the process ended before it was written down goes out again; nothing else does.
    assert sent == 1 or (call == "keep_told" and sent <= 2)
    assert sum("takes it back" in n.body for n in world.merge_requests[0].notes) == 1


class Dying:
    """A port whose first call of that name is the last one."""

    def __init__(self, inner: Any, call: str, *, after: bool) -> None:
        self._inner, self._call, self._after = inner, call, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._call:
            return found

        async def dies(*args: Any, **more: Any) -> Any:
            if self._after:
                await found(*args, **more)
            raise Killed

        return dies


async def test_a_branch_that_moves_between_a_crash_and_the_next_try_is_no_other_change(
    world: World,
) -> None:
    record = await merged(world)
    dying: Any = Dying(world.ports.forge, "commit", after=True)
    with pytest.raises(Killed):
        await remember(outcome(record), replace(world.ports, forge=dying))
    world.write("# a new head\n" + sample.MANIFEST.replace("cpu: 500m", "cpu: 900m"))
    assert (await done(remember(outcome(record), world.ports))).action == "revert_opened"
    assert len(world.merge_requests) == 2


async def test_a_forge_that_is_away_is_asked_again(world: World) -> None:
    record = await merged(world)
    world.faults.switch_on(Fault("gitlab", "error", route="merge_requests", method="POST", times=1))
    with pytest.raises(errors.Unavailable):
        await remember(outcome(record), world.ports)
    assert await world.ports.ledger.fate_of(record.incident_id) is None
    assert (await done(remember(outcome(record), world.ports))).action == "revert_opened"
    assert len(world.merge_requests) == 2


async def test_a_foreign_branch_of_that_name_is_left_alone_and_people_are_told(
    world: World,
) -> None:
    record = await merged(world)
    world.project.repository.create_branch(f"kfix/incident-{record.incident_id}-revert", "main")
    assert (await done(remember(outcome(record), world.ports))).action == "updated"
    assert len(world.merge_requests) == 1
    assert "something else" in str(world.slack.messages[-1].blocks).replace(BREAK, "")


async def test_french_says_the_same(world: World) -> None:
    record = await merged(world)
    await remember(outcome(record), replace(world.ports, language="fr"))
    back = world.merge_requests[1]
    assert "Retirer !1" in back.title.replace(BREAK, "")
    assert "Seule une personne fusionne ceci." in back.description
    assert "n'a pas tenu" in str(world.slack.messages[-1].blocks).replace(BREAK, "")


async def test_where_people_took_it_back_already_that_is_what_is_said(world: World) -> None:
    record = await merged(world)
    world.write(sample.MANIFEST.replace("replicas: 3", "replicas: 5"))
    refused = await done(remember(outcome(record), world.ports))
    assert len(world.merge_requests) == 1
    assert "taken back already" in refused.text
    assert "taken back already" in bodies(world, 0)


async def test_a_next_plan_that_changes_something_else_is_not_told_to_exclude_the_way_back(
    world: World,
) -> None:
    record = await merged(world)
    await remember(outcome(record), world.ports)
    second = await next_record(world, record)
    chosen = second.plans[0]
    changes = tuple(
        c.model_copy(
            update={
                "fields": tuple(f.model_copy(update={"path": "spec.replicas"}) for f in c.fields)
            }
        )
        for c in chosen.plan.kubernetes_changes
    )
    plan = chosen.plan.model_copy(update={"kubernetes_changes": changes})
    second = second.model_copy(update={"plans": (chosen.model_copy(update={"plan": plan}),)})
    opened = await done(publish(second, world.ports))
    for at in (1, 2):
        assert "changes something else" in bodies(world, at)
        assert "merge one or the other" not in bodies(world, at)
        assert "merge one or the other" not in world.merge_requests[at].description
    event = MergeRequestEvent(
        event_id="merged-try2",
        occurred_at=world.now[0],
        incident_id=f"{record.incident_id}-try2",
        action="merged",
        merge_request=opened.merge_request,
    )
    await follow(event, world.ports)
    assert "can be closed" not in bodies(world, 1)
    assert "people decide" in bodies(world, 1)


@pytest.mark.parametrize("command", ["feedback", "explain", "alternative", "snooze"])
async def test_an_order_on_the_way_back_is_led_to_the_fix_and_words_there_are_heard(
    world: World, command: str
) -> None:
    record = await merged(world)
    back = await done(remember(outcome(record), world.ports))
    event = MergeRequestEvent(
        event_id=f"note-{command}",
        occurred_at=world.now[0],
        incident_id=f"{record.incident_id}-revert",
        action="note",
        merge_request=back.merge_request,
        actor="ada",
        command=command,
        argument="2h" if command == "snooze" else "1",
        feedback=Feedback(verdict="good", author="ada") if command == "feedback" else None,
    )
    assert await follow(event, world.ports) is None
    (answer,) = [n.body for n in world.merge_requests[1].notes if "`!1`" in n.body]
    assert "Orders and judgements" in answer
    assert "does not know" not in bodies(world, 1)
    said = event.model_copy(
        update={"event_id": "words", "command": "", "feedback": None, "text": "the queue was full"}
    )
    told = await done(follow(said, world.ports))
    assert (told.action, told.incident_id) == ("feedback", record.incident_id)


@pytest.mark.parametrize(
    ("more", "says", "never"),
    [
        ({"result": "partial", "checked_at": None}, "not seen live", "helped"),
        ({"result": "partial"}, "no clear result", "helped"),
        (
            {"came_back_at": MERGED_AT + timedelta(hours=3)},
            "its alert came back",
            "did not help",
        ),
    ],
)
async def test_what_is_said_after_a_merge_is_what_was_found(
    world: World, more: dict[str, Any], says: str, never: str
) -> None:
    record = await merged(world)
    await remember(outcome(record, **more), world.ports)
    assert says in bodies(world, 0)
    assert never not in bodies(world, 0)


async def test_each_thing_that_is_found_after_a_merge_is_said_once(world: World) -> None:
    record = await merged(world)
    late = outcome(record, event_id="late", result="partial", checked_at=None)
    for one in (late, outcome(record, result="partial"), late, outcome(record, result="partial")):
        await remember(one, world.ports)
    said = bodies(world, 0)
    assert (said.count("not seen live"), said.count("no clear result")) == (1, 1)
