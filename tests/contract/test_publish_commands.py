"""``/kfix …`` in comments: who may ask, what happens, what is answered, and what a second delivery changes: nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ingest.core.outcomes import Ignored
from ingest.sources.gitlab.reading import Delivery, Reading, event_of
from kfix.incident.commands import command_of
from kfix.incident.judgement_links import LinkKeys
from publish.agent import follow, publish
from sandbox.faults import Fault
from sandbox.gitlab.discussion import add_note
from sandbox.gitlab.hooks import note_event
from sandbox.gitlab.state import DEVELOPER, MergeRequest, Note
from schemas import errors
from schemas.context import OutcomeResult
from schemas.feedback import Feedback
from schemas.merge_requests import MergeRequestEvent, MergeRequestRef
from schemas.outcomes import Measurement, Outcome
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.publish_hostile import ATTACKS
from tests.support.publish_world import PATH, PROJECT, World, done, world  # noqa: F401

# ruff: noqa: F811  (fixtures are imported by name)

REPORTER = 20


async def proposed(world: World) -> ValidatedPlans:
    """An open merge request with an accepted alternative (2) and a rejected one (3)."""
    head = await world.gitlab.head(PROJECT, "main")
    second = sample.validated("700m", base_commit=head)
    third = sample.validated("2").model_copy(
        update={
            "accepted": False,
            "rejected_by": ("resource_quota",),
            "checks": (
                sample.CheckResult(
                    name="resource_quota",
                    verdict="fail",
                    reason="quota compute: limits.cpu would be 9 of 8",
                ),
            ),
        }
    )
    record = await world.record()
    record = record.model_copy(update={"plans": (record.plans[0], second, third)})
    assert (await done(publish(record, world.ports))).action == "opened"
    return record


def comment(text: str, by: str = "ada", number: int = 1, minutes: float = 5) -> MergeRequestEvent:
    """What ingest makes of a comment."""
    command = command_of(text, by)
    return MergeRequestEvent(
        event_id=f"gl-{number}",
        occurred_at=sample.NOW + timedelta(minutes=minutes),
        incident_id=sample.record().incident_id,
        action="note",
        actor=by,
        text=text,
        command=command.word,
        argument=command.argument,
        feedback=command.feedback,
    )


def request(world: World) -> MergeRequest:
    (mr,) = world.merge_requests
    return mr


def answers(world: World) -> list[str]:
    return [n.body for n in request(world).notes]


def line(world: World) -> str:
    """The CPU limit on the branch."""
    text = world.project.repository.read(request(world).source_branch, PATH).decode()
    return text.split("limits:\n")[1].split("cpu: ")[1].split()[0]


# --- who may ask


async def test_a_stranger_is_told_so_once_and_nothing_happens(world: World) -> None:
    await proposed(world)
    world.state.add_user("eve", "Eve")
    for number, text in enumerate(("/kfix alternative 2", "/kfix feedback bad", "/kfix snooze 1h")):
        assert await follow(comment(text, "eve", number), world.ports) is None
    assert len(answers(world)) == 1
    assert "Only members" in answers(world)[0]
    assert line(world) == "900m"


async def test_less_than_a_developer_gives_no_orders(world: World) -> None:
    await proposed(world)
    rob = world.state.add_user("rob", "Rob")
    world.project.members[rob.id] = REPORTER
    for by in ("rob", "nobody", "", "../ada", "ada?x=1"):
        assert await follow(comment("/kfix feedback bad", by), world.ports) is None
        assert "Only members" in answers(world)[-1]


async def test_a_developer_gives_orders(world: World) -> None:
    await proposed(world)
    dev = world.state.add_user("dev", "Dev")
    world.project.members[dev.id] = DEVELOPER
    assert await follow(comment("/kfix feedback good", "dev"), world.ports) is not None


async def test_it_never_answers_itself(world: World) -> None:
    await proposed(world)
    assert await follow(comment("/kfix help", "kfix-bot"), world.ports) is None
    assert answers(world) == []
    await follow(comment("/kfix nonsense"), world.ports)
    for text in answers(world):
        assert command_of(text, "kfix-bot").word == ""


async def test_who_may_ask_is_asked_before_anything_is_done(world: World) -> None:
    await proposed(world)
    world.faults.switch_on(Fault("gitlab", "error", route="members", status=503))
    with pytest.raises(errors.Unavailable):
        await follow(comment("/kfix alternative 2"), world.ports)
    assert line(world) == "900m"
    assert answers(world) == []


async def test_observation_answers_nothing(world: World) -> None:
    await proposed(world)
    ports = replace(world.ports, limits=replace(world.ports.limits, observe=True))
    assert await follow(comment("/kfix explain"), ports) is None
    assert answers(world) == []


def heard(world: World, note: Note, bot: str = "") -> Reading:
    """What ingest makes of GitLab's webhook about a comment."""
    payload = note_event(world.state, world.project, request(world), note.author, note)
    delivery = Delivery(str(note.id), sample.NOW, bot, world.state.url)
    return event_of(json.loads(json.dumps(payload)), delivery)


async def test_a_comment_on_gitlab_is_heard_answered_and_the_answer_is_not_taken_for_a_wish(
    world: World,
) -> None:
    await proposed(world)
    ada = next(u for u in world.state.users.values() if u.username == "ada")
    wish = heard(world, add_note(world.state, request(world), ada, "please\n/kfix alternative 2\n"))
    assert isinstance(wish, MergeRequestEvent)
    assert await follow(wish, world.ports) is not None
    assert line(world) == "700m"
    for text in ("/kfix help", "/kfix explain", "/kfix snooze 2h", "/kfix feedback good"):
        asked = heard(world, add_note(world.state, request(world), ada, text))
        assert isinstance(asked, MergeRequestEvent)
        await follow(asked, world.ports)
    spoken = [n for n in request(world).notes if n.author.username == "kfix-bot"]
    assert len(spoken) == 5
    for note in spoken:
        assert heard(world, note, bot="kfix-bot") == Ignored("own_action")
        own = heard(world, note)
        assert isinstance(own, MergeRequestEvent)
        assert own.command == ""
        assert await follow(own, world.ports) is None
    assert len([n for n in request(world).notes if n.author.username == "kfix-bot"]) == 5


# --- help, explain, feedback, snooze


async def test_what_it_does_not_understand_gets_help(world: World) -> None:
    await proposed(world)
    wishes = ("/kfix", "/kfix help", "/kfix merge", "/kfix snooze soon", "/kfix feedback")
    for at, text in enumerate(wishes):
        assert await follow(comment(text, number=at), world.ports) is None
        assert "`/kfix alternative N`" in answers(world)[-1]
    assert len(answers(world)) == len(wishes)


async def test_an_ordinary_comment_of_a_developer_is_a_persons_words_and_gets_no_answer(
    world: World,
) -> None:
    await proposed(world)
    said = comment("wrong limit, we use VPA")
    first, again = await done(follow(said, world.ports)), await done(follow(said, world.ports))
    assert first == again
    assert (first.action, first.actor, first.command) == ("feedback", "ada", "")
    assert first.feedback == Feedback(
        author="ada",
        text="wrong limit, we use VPA",
        role="maintainer",
        way="comment",
        at=said.occurred_at,
    )
    assert await follow(first, world.ports) is None, "its own record is no new word"
    assert answers(world) == []
    long = await done(follow(comment("word " * 800, number=2), world.ports))
    assert long.feedback is not None
    assert len(long.feedback.text) == 600


async def test_words_of_programs_strangers_and_ourselves_are_nobodys(world: World) -> None:
    await proposed(world)
    programs = ("project_7_bot_0a1b", "group_1_bot", "renovate-bot", "dependabot[bot]", "scanner")
    for name in (*programs, "rob"):
        user = world.state.add_user(name, name)
        world.project.members[user.id] = REPORTER if name == "rob" else DEVELOPER
    machines = world.ports.settings.model_copy(update={"machines": ("Scanner",)})
    ports = replace(world.ports, settings=machines)
    for number, by in enumerate((*programs, "rob", "nobody", "", "kfix-bot")):
        assert await follow(comment("coverage fell", by, number), ports) is None, by
    for number, text in enumerate(("", "👍", "...", "   ")):
        assert await follow(comment(text, number=number), ports) is None
    assert answers(world) == []


async def test_a_comment_on_what_is_not_ours_asks_nobody(world: World) -> None:
    await proposed(world)
    asked = len(world.faults.asked)
    other = comment("hello").model_copy(update={"incident_id": "inc-elsewhere"})
    assert await follow(other, world.ports) is None
    assert len(world.faults.asked) == asked


@pytest.mark.parametrize(
    ("words", "about", "shown"),
    [("wrong-cause", "cause", "wrong cause"), ("wrong_fix", "fix", "wrong fix")],
)
async def test_a_comment_says_what_was_wrong(
    world: World, words: str, about: str, shown: str
) -> None:
    await proposed(world)
    told = await done(follow(comment(f"/kfix feedback {words} the queue was full"), world.ports))
    given = told.feedback
    assert given is not None
    assert (given.verdict, given.about, given.text) == ("bad", about, "the queue was full")
    assert (given.role, given.way) == ("maintainer", "comment")
    (said,) = answers(world)
    assert f"**{shown}** – the queue was full" in said


async def test_explain_tells_what_was_considered(world: World) -> None:
    await proposed(world)
    await follow(comment("/kfix explain"), world.ports)
    (said,) = answers(world)
    for part in ("**2. Raise the CPU limit**", "700m", "would be 9 of 8", "no history"):
        assert part in said


async def test_feedback_becomes_a_judgement_of_the_river(world: World) -> None:
    await proposed(world)
    wish = comment("/kfix feedback bad the limit was not it")
    first, again = await done(follow(wish, world.ports)), await done(follow(wish, world.ports))
    assert first == again
    assert (first.action, first.actor) == ("feedback", "ada")
    assert first.feedback is not None
    assert (first.feedback.verdict, first.feedback.text) == ("bad", "the limit was not it")
    assert await follow(first, world.ports) is None, "its own record is no new wish"
    (said,) = answers(world)
    assert "**bad** – the limit was not it" in said


async def test_a_snooze_keeps_quiet_until_its_end(world: World) -> None:
    record = await proposed(world)
    for _ in range(2):
        await follow(comment("/kfix snooze 3h"), world.ports)
    (said,) = answers(world)
    assert "2026-03-02 13:05 UTC" in said
    assert "kfix::snoozed" in request(world).labels
    assert "kfix::proposed" not in request(world).labels
    for hours, notes in ((2, 1), (4, 2)):
        world.now[0] = sample.NOW + timedelta(hours=hours)
        repeat = record.model_copy(update={"role": "repeat", "event_id": f"val-{hours}"})
        await publish(repeat, world.ports)
        assert len(answers(world)) == notes
    assert "kfix::proposed" in request(world).labels


async def test_a_snoozed_alert_that_comes_and_goes_is_shown_by_the_label_alone(
    world: World,
) -> None:
    record = await proposed(world)
    await follow(comment("/kfix snooze 3h"), world.ports)
    (said,), messages = answers(world), len(world.slack.messages)
    for at, role in enumerate(("recovery", "repeat", "recovery"), 20):
        world.now[0] = sample.NOW + timedelta(minutes=at)
        context = record.context.model_copy(update={"alerted_at": world.now[0]})
        again = record.model_copy(
            update={"role": role, "event_id": f"val-{at}", "context": context}
        )
        await publish(again, world.ports)
        wanted = "kfix::recovered" if role == "recovery" else "kfix::snoozed"
        assert wanted in request(world).labels
    assert answers(world) == [said]
    assert len(world.slack.messages) == messages


async def test_a_snooze_from_the_console_keeps_as_quiet_as_one_from_a_comment(world: World) -> None:
    record = await proposed(world)
    asked = comment("", by="Ada @all").model_copy(
        update={"action": "feedback", "command": "snooze", "argument": "2h", "event_id": "fb-1"}
    )
    for _ in range(2):
        assert await follow(asked, world.ports) is None
    (said,) = answers(world)
    assert "quiet about this trouble until 2026-03-02 12:05 UTC" in said
    assert "@all" not in said
    assert "kfix::snoozed" in request(world).labels
    world.now[0] = sample.NOW + timedelta(hours=1)
    repeat = record.model_copy(update={"role": "repeat", "event_id": "val-1"})
    await publish(repeat, world.ports)
    assert len(answers(world)) == 1
    off = asked.model_copy(update={"argument": "off", "event_id": "fb-2"})
    await follow(off, world.ports)
    assert "speaks of this trouble again" in answers(world)[-1]
    assert "kfix::proposed" in request(world).labels
    for strange in ({"argument": "for ever"}, {"incident_id": "inc-elsewhere"}):
        await follow(asked.model_copy(update={"event_id": "fb-3", **strange}), world.ports)
    assert len(answers(world)) == 2


async def test_people_are_given_links_to_judge_what_was_proposed(world: World) -> None:
    keys = LinkKeys((b"k" * 32,))
    world.ports = replace(world.ports, links=keys)
    await proposed(world)
    shown = str(world.slack.messages[-1].blocks)
    for url in keys.links(
        sample.record().incident_id, world.ports.console_url, world.now[0]
    ).values():
        assert url in shown


async def test_a_snooze_covers_the_next_incident_of_the_same_trouble(world: World) -> None:
    record = await proposed(world)
    await follow(comment("/kfix snooze 1d"), world.ports)
    later = record.model_copy(update={"incident_id": "inc-later", "event_id": "val-later"})
    assert await publish(later, world.ports) is None
    await follow(comment("/kfix snooze off", number=2), world.ports)
    request(world).state = "merged"
    assert (await done(publish(later, world.ports))).action == "opened"


# --- another plan


async def test_an_alternative_takes_the_place_of_the_plan_on_the_branch(world: World) -> None:
    record = await proposed(world)
    event = await done(follow(comment("/kfix alternative 2"), world.ports))
    mr = request(world)
    assert line(world) == "700m"
    repository = world.project.repository
    assert len(repository.log(mr.source_branch)) == len(repository.log("main")) + 1
    assert "`700m`" in mr.description
    assert "**1. Raise the CPU limit**" in mr.description, "the first plan is an alternative now"
    assert event.action == "updated"
    assert event.proposal is not None
    assert event.proposal.plan == record.plans[1].plan
    assert event.merge_request is not None
    assert event.merge_request.sha == repository.resolve(mr.source_branch)
    assert "this plan is on the branch now" in answers(world)[-1].lower()


async def test_asking_twice_changes_it_once(world: World) -> None:
    await proposed(world)
    wish = comment("/kfix alternative 2")
    first = await done(follow(wish, world.ports))
    head = world.project.repository.resolve(request(world).source_branch)
    again = await done(follow(wish, world.ports))
    assert again == first
    assert world.project.repository.resolve(request(world).source_branch) == head
    assert len(answers(world)) == 1


@pytest.mark.parametrize(("route", "method"), [("merge_requests/1$", "PUT"), ("notes", "POST")])
async def test_a_crash_on_the_way_is_taken_up_again(world: World, route: str, method: str) -> None:
    await proposed(world)
    world.faults.switch_on(Fault("gitlab", "error", route=route, method=method, times=1))
    wish = comment("/kfix alternative 2")
    with pytest.raises(errors.Unavailable):
        await follow(wish, world.ports)
    event = await done(follow(wish, world.ports))
    assert event.proposal is not None
    assert line(world) == "700m"
    assert "`700m`" in request(world).description
    assert len(answers(world)) == 1
    commits = world.faults.count("gitlab", "POST", "repository/commits")
    assert commits == 2, "one for the merge request, one for the alternative"


async def test_and_back_again(world: World) -> None:
    await proposed(world)
    await follow(comment("/kfix alternative 2"), world.ports)
    await follow(comment("/kfix alternative 1", number=2), world.ports)
    assert line(world) == "900m"


async def test_the_record_that_comes_again_does_not_take_the_choice_back(world: World) -> None:
    record = await proposed(world)
    await follow(comment("/kfix alternative 2"), world.ports)
    again = await done(publish(record, world.ports))
    assert again.proposal is not None
    assert again.proposal.plan == record.plans[1].plan
    assert line(world) == "700m"


async def test_a_plan_that_was_not_proven_is_never_put_there(world: World) -> None:
    await proposed(world)
    assert await follow(comment("/kfix alternative 3"), world.ports) is None
    assert "would be 9 of 8" in answers(world)[-1]
    assert line(world) == "900m"


async def test_a_plan_that_is_not_there_is_said_so(world: World) -> None:
    await proposed(world)
    for at, number in enumerate(("0", "4", "99", "two", "")):
        wish = comment(f"/kfix alternative {number}", number=at)
        assert await follow(wish, world.ports) is None
        assert "There is no such plan; there are: 2, 3." in answers(world)[at]


async def test_a_branch_that_people_changed_is_left_alone(world: World) -> None:
    await proposed(world)
    branch = request(world).source_branch
    by_hand = sample.MANIFEST.replace("cpu: 500m", "cpu: 850m")
    world.write(by_hand, branch=branch)
    assert await follow(comment("/kfix alternative 2"), world.ports) is None
    assert "Somebody else changed this branch" in answers(world)[-1]
    assert line(world) == "850m"


async def test_a_base_that_moved_needs_a_new_proof(world: World) -> None:
    await proposed(world)
    world.write(sample.MANIFEST.replace("cpu: 500m", "cpu: 600m"))
    assert await follow(comment("/kfix alternative 2"), world.ports) is None
    assert "changed since the plan was proven" in answers(world)[-1]
    assert line(world) == "900m"


async def test_a_merged_one_is_not_changed_any_more(world: World) -> None:
    await proposed(world)
    request(world).state = "merged"
    assert await follow(comment("/kfix alternative 2"), world.ports) is None
    assert "not open any more" in answers(world)[-1]


async def test_a_merge_request_from_before_is_said_to_be_forgotten(world: World) -> None:
    await proposed(world)
    ref = MergeRequestRef(project=PROJECT, iid=1, branch="kfix/incident-inc-old")
    wishes = ("/kfix explain", "/kfix alternative 2", "/kfix snooze 2h")
    for number, text in enumerate(wishes):
        old = comment(text, number=number).model_copy(
            update={"incident_id": "inc-old", "merge_request": ref}
        )
        assert await follow(old, world.ports) is None
        assert "does not know what it proposed" in answers(world)[number]


# --- decisions and ends


async def test_closing_is_noted_and_so_is_the_next_alert(world: World) -> None:
    record = await proposed(world)
    request(world).state = "closed"
    closed = comment("").model_copy(update={"action": "closed", "command": ""})
    for _ in range(2):
        await follow(closed, world.ports)
    (said,) = answers(world)
    assert "until 2026-03-16 10:05 UTC" in said
    for number, after in enumerate((1.0, 1.2, 30.0)):
        world.now[0] = sample.NOW + timedelta(hours=after)
        later = record.model_copy(
            update={"incident_id": f"inc-{number}", "event_id": f"val-{number}"}
        )
        assert (await done(publish(later, world.ports))).action == "declined"
    assert len(answers(world)) == 3, "once an hour at most"
    assert "proposes nothing while the decision" in answers(world)[-1]


async def test_another_fix_of_the_same_trouble_is_not_proposed_either(world: World) -> None:
    record = await proposed(world)
    request(world).state = "closed"
    await follow(comment("").model_copy(update={"action": "closed", "command": ""}), world.ports)
    other = record.model_copy(
        update={
            "incident_id": "inc-2",
            "event_id": "val-2",
            "recommended": record.plans[1].plan.plan_id,
        }
    )
    assert "closed unmerged recently" in (await done(publish(other, world.ports))).text
    elsewhere = other.model_copy(update={"fingerprint": "fp-other"})
    assert (await done(publish(elsewhere, world.ports))).action == "opened"


async def test_reopening_takes_the_decision_back(world: World) -> None:
    record = await proposed(world)
    await follow(comment("").model_copy(update={"action": "closed", "command": ""}), world.ports)
    reopened = comment("", number=2, minutes=9).model_copy(
        update={"action": "reopened", "command": ""}
    )
    await follow(reopened, world.ports)
    later = record.model_copy(update={"role": "repeat", "event_id": "val-later"})
    world.now[0] = sample.NOW + timedelta(hours=2)
    assert (await done(publish(later, world.ports))).action == "updated"


def outcome(record: ValidatedPlans, result: OutcomeResult, why: str = "3 of 3 pods.") -> Outcome:
    assert record.analysis is not None
    return Outcome(
        event_id=f"out-{result}",
        occurred_at=sample.NOW,
        incident_id=record.incident_id,
        fingerprint=record.fingerprint,
        result=result,
        failure_class=record.analysis.failure_class,
        object=record.analysis.object,
        plan=record.plans[0].plan,
        measurements=(Measurement(name="throttled_ratio", before=0.42, after=0.01),),
        explanation=why,
    )


@pytest.mark.parametrize(
    ("result", "said", "label"),
    [
        ("success", "it held", "kfix::held"),
        ("partial", "no clear result", "kfix::partial"),
        ("failure", "did not help", "kfix::failed"),
    ],
)
async def test_what_was_found_after_the_merge_is_said_on_it(
    world: World, result: OutcomeResult, said: str, label: str
) -> None:
    from publish.agent import remember

    record = await proposed(world)
    for _ in range(2):
        await remember(outcome(record, result), world.ports)
    (told,) = answers(world)
    assert said in told
    assert "| CPU periods throttled | `42%` | `1%` |" in told
    assert [name for name in request(world).labels if name.startswith("kfix::")] == [label]


async def test_the_next_merge_request_tells_how_the_fix_fared(world: World) -> None:
    from publish.agent import remember

    record = await proposed(world)
    await remember(outcome(record, "success"), world.ports)
    request(world).state = "merged"
    later = record.model_copy(
        update={"incident_id": "inc-2", "event_id": "val-2", "fingerprint": "fp-2"}
    )
    await publish(later, world.ports)
    assert (
        "of 1 fix of this kind merged here 1 held (95% interval: 20–100%), 0 taken back, 0 turned down"
        in world.merge_requests[-1].description
    )


async def test_what_people_write_is_never_obeyed_when_it_is_quoted(world: World) -> None:
    from publish.agent import remember

    record = await proposed(world)
    attacks = [*ATTACKS[:8], "/kfix help\n/merge", "good /merge\n/close"]
    for at, text in enumerate(attacks):
        await follow(comment(f"/kfix feedback bad {text}", number=at), world.ports)
        await follow(comment(f"/kfix snooze {text}", number=100 + at), world.ports)
        ended = outcome(record, "failure", why=text).model_copy(
            update={"merged_at": sample.NOW + timedelta(minutes=at)}
        )
        await remember(ended, world.ports)
    assert world.state.quick_actions == []
    assert len(answers(world)) == 3 * len(attacks)
