"""What `kfix replay` prints and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from kfix.cli.replay import _Told, register
from kfix.cli.replay_words import lines_of
from kfix.engine.runtime.comparing import Compared
from tests.support.logs import logs_as_they_were

PLAN = {"plan_id": "p1", "priority": 1, "title": "Raise memory of cart to 384Mi"}
ANALYSIS = {
    "failure_class": "oom_killed",
    "object": {"kind": "Deployment", "namespace": "shop", "name": "cart"},
    "root_cause": "it needs more",
}


def verdict(rejected: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    checks = [{"name": "fix_policy", "reason": "set_memory is not allowed"}]
    plan = {"plan": PLAN, "checks": checks, "rejected_by": list(rejected)}
    accepted = {"status": "solution_proposed", "recommended": "p1"}
    stopped = {"status": "needs_human", "reason": "no_safe_plan", "explanation": "Nothing passes"}
    said = stopped if rejected else accepted
    return {**said, "plans": [plan], "analysis": ANALYSIS, **more}


def compared(**more: Any) -> Compared:
    told: dict[str, Any] = {
        "then": verdict(),
        "now": verdict(("fix_policy",)),
        "changed": ("status",),
        "because": "policy",
        "environment": "production",
        **more,
    }
    return Compared("safety", "dec-1", "inc-1", "plans.validated", **told)


SAME = {"now": verdict(), "changed": (), "because": ""}


def test_a_change_is_told_with_titles_and_reasons_of_then_and_now() -> None:
    assert list(lines_of(compared())) == [
        "safety\tinc-1\tplans.validated\tproduction\tchanges by rules or policy: status",
        "  then: solution_proposed",
        "          cause oom_killed of Deployment/shop/cart: it needs more",
        "          plan 1 Raise memory of cart to 384Mi: recommended",
        "  now:  needs_human (no_safe_plan): Nothing passes",
        "          cause oom_killed of Deployment/shop/cart: it needs more",
        "          plan 1 Raise memory of cart to 384Mi: stopped by fix_policy: set_memory is not allowed",
    ]


def test_what_is_said_of_the_whole_is_named_first() -> None:
    paths = ("explanation_text.id", "plans[0].accepted", "plans[0].checks[1].reason", "status")
    (head, *_) = lines_of(compared(changed=(*paths, "a.b.c", "a.b.d", "a.b.e")))
    assert head.endswith(
        ": status, plans[0].accepted, a.b.c, a.b.d, a.b.e, plans[0].checks[1].reason and 1 more"
    )


def test_what_cannot_be_told_says_why() -> None:
    (line, *then) = lines_of(compared(failed="nobody asked", now=None, changed=()))
    assert line.endswith("\tcannot be decided now: nobody asked")
    assert len(then) == 3
    assert list(lines_of(compared(skipped="its world was not kept: too large"))) == [
        "safety\tinc-1\tplans.validated\tproduction\tnot compared: its world was not kept: too large"
    ]
    gone = list(lines_of(compared(now=None, because="world")))
    assert gone[0].endswith("\tchanges by the world: status")
    assert gone[-1] == "  now:  nothing"


@pytest.mark.parametrize(
    ("found", "fail_on", "code"),
    [
        ([SAME], "any", 0),
        ([SAME, {}], "any", 1),
        ([{}], "production", 1),
        ([{}], "never", 0),
        ([{"environment": "staging"}], "any", 1),
        ([{"environment": "staging"}, SAME], "production", 0),
        ([{"environment": "unknown"}], "production", 1),
        ([{"failed": "nobody asked", "changed": ()}], "production", 1),
        ([{"skipped": "not kept", "changed": ()}], "never", 2),
        ([{"skipped": "not kept", "changed": ()}, SAME], "any", 0),
        ([], "any", 0),
    ],
)
def test_the_exit_code_says_whether_something_changes(
    found: list[dict[str, Any]], fail_on: str, code: int
) -> None:
    told = _Told(as_json=False, everything=False, world="then")
    for one in found:
        told.take(compared(**one))
    assert told.end(fail_on) == code


def test_only_what_changes_is_printed_unless_all_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for everything, lines in ((False, 1), (True, 2)):
        told = _Told(as_json=True, everything=everything, world="then")
        for more in (SAME, {"not_as_then": ("policy.most: 1 → 2",)}):
            told.take(compared(**more))
        told.end("any")
        out, err = capsys.readouterr()
        assert len(out.splitlines()) == lines
        last = json.loads(out.splitlines()[-1])
        assert (last["incident"], last["because"]) == ("inc-1", "policy")
        assert err.splitlines() == [
            "not as then: policy.most: 1 → 2 (1 decisions)",
            "2 decisions, 1 change (1 by policy)",
        ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "give --incident or --topic"),
        (["--incident", "a", "--topic", "b"], "give --incident or --topic"),
        (["--topic", "b", "--world", "past"], "--world is then or now, not 'past'"),
        (["--topic", "b", "--fail-on", "staging"], "--fail-on is any or production or never"),
        (["--topic", "b", "--output", "xml"], "--output is text or json"),
        (["--topic", "b", "--publish", "all"], "--publish is never or observe"),
        (["--topic", "b", "--stage", "publish"], "give a --stage to re-run"),
        (["--topic", "b", "--from", "soon"], "no time: 'soon'"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], why: str) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    with logs_as_they_were():
        done = CliRunner().invoke(app, ["replay", *arguments])
    assert done.exit_code == 2
    assert why in done.output
