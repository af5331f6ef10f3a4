"""The demo's story, told over doors that answer from a small script of what K-Fix would do."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from kfix.demo.children import DemoFailed, start
from kfix.demo.servers import ConsoleServer, SandboxServer, outcome_of, reached, similar_found
from kfix.demo.story import DemoStory

SCENARIO = {"name": "oom", "title": "cart dies", "service": "cart"}
SECOND = {"name": "cpu_throttling", "title": "checkout is slow", "service": "checkout"}


class Recorder:
    """A screen that keeps what it was told."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def title(self, text: str) -> None:
        self.steps.append(f"== {text}")

    def waiting(self, text: str) -> None: ...

    def done(self, text: str, detail: str = "") -> None:
        self.steps.append(f"{text}: {detail}")

    def block(self, title: str, text: str, syntax: str = "") -> None:
        self.steps.append(f"[{title}] {text}")

    def close(self) -> None: ...


class House:
    """Answers as sandbox and console do; ``flaw`` names the step that goes wrong."""

    def __init__(self, flaw: str = "") -> None:
        self.flaw = flaw
        self.broken = 0
        self.hooks = 0
        self.merged = False
        self.failed = False
        self.growth: list[float] = []
        self.sources: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/_sandbox/break":
            self.broken += 1
            self.merged = False
            self.growth.append(json.loads(request.content)["growth"])
            self.sources.append(json.loads(request.content)["source"])
            return httpx.Response(200, json={"state": self.state()})
        if path == "/_sandbox/merge":
            iid = json.loads(request.content)["iid"]
            self.failed = self.failed or (iid == 1 and self.flaw != "held")
            self.merged = iid != 1 or self.flaw == "held"
            self.hooks += 1
            return httpx.Response(200, json={"state": "merged"})
        if path == "/_sandbox/state":
            return httpx.Response(200, json=self.state())
        if path == "/incidents.json":
            names = [f"inc-{n}" for n in range(1, self.broken + 1)]
            return httpx.Response(200, json=[{"incident_id": n} for n in reversed(names)])
        number = int(path.removeprefix("/incidents/inc-").removesuffix(".json"))
        return httpx.Response(200, json=self.incident(number))

    def state(self) -> dict[str, Any]:
        ill = self.broken and not self.merged
        door = 401 if self.flaw == "door" else 202
        branches = [f"inc-{n}" for n in range(1, self.broken + 1)]
        if self.failed:
            branches[1:1] = ["inc-1-revert", "inc-1-try2"]
        mrs = [
            {
                "iid": n,
                "branch": f"kfix/incident-{branch}",
                "url": "u",
                "title": "t",
                "diff": f"+ memory of {branch}",
                "description": "proof",
            }
            for n, branch in enumerate(branches, 1)
        ]
        return {
            "services": {
                name: {"condition": "oom_killed" if ill else "healthy", "reason": "r"}
                for name in ("cart", "checkout")
            },
            "datadog_deliveries": [{"status": door}] * self.sources.count("datadog"),
            "alertmanager_deliveries": [{"status": door}] * self.sources.count("prometheus"),
            "gitlab_deliveries": [{"status": 202}] * self.hooks,
            "merge_requests": [] if self.flaw == "no_mr" else mrs,
            "slack": [{}] * (self.broken + self.failed),
            "teams": self.broken + self.failed,
        }

    def incident(self, number: int) -> dict[str, Any]:
        human = self.flaw == "human"
        found: dict[str, Any] = {
            "incident_id": f"inc-{number}",
            "status": "needs_human" if human else "solution_proposed",
            "explanation": "a leak",
            "context_bundle": {"alert": {}},
            "learning": {"similar_incidents_found": number - 1},
        }
        if not human:
            found["ai_analysis"] = {
                "failure_class": "OOMKilled",
                "root_cause": "too\nlittle memory",
            }
            found["recommended_action"] = {"title": "more memory"}
            found["alternative_actions"] = [{}]
            found["safety_checks"] = {
                "quota": {"verdict": "pass"},
                "dry_run": {"verdict": "unknown"},
            }
        if number == 1 and (self.failed or self.merged):
            held = {"outcome": {"result": "failure" if self.flaw == "failure" else "success"}}
            first = {"outcome": {"result": "failure"}}
            found["attempts"] = [first, held if self.merged else {}] if self.failed else [held]
        return found


def tell(house: House, seconds: float = 5) -> list[str]:
    transport = httpx.MockTransport(house.answer)
    client = httpx.Client(transport=transport, base_url="http://127.0.0.1")
    screen = Recorder()
    story = DemoStory(
        SandboxServer(client),
        ConsoleServer(client),
        screen,
        lambda: None,
        time.monotonic() + seconds,
        "http://c",
    )
    story.tell(SCENARIO, SECOND)
    return screen.steps


def test_the_story_goes_from_trouble_to_the_similar_incident() -> None:
    house = House()
    steps = tell(house)
    order = [
        "cart is broken",
        "webhook was delivered",
        "incident: http://c/incidents/inc-1",
        "OOMKilled: too little memory",
        "1 of 2 passed",
        "merge request !1",
        "+ memory",
        "proof",
        "!1 was approved and merged",
        "outcome stored: failure",
        "!1 did not hold",
        "!2 takes !1 back",
        "+ memory of inc-1-revert",
        "!3 is the next plan",
        "+ memory of inc-1-try2",
        "Slack has the message",
        "!3 was approved and merged",
        "outcome stored: success",
        "healthy again",
        "comes again",
        "found as similar: 1 similar, !4",
        "checkout is slow (watched by Prometheus)",
        "Alertmanager's webhook was delivered",
        "from Prometheus, Kubernetes",
        "merge request !5",
        "+ memory",
    ]
    at = 0
    for wanted in order:
        at = next(n for n in range(at, len(steps)) if wanted in steps[n])
    assert house.growth == [1.7, 2.5, 1.0]
    assert house.sources == ["datadog", "datadog", "prometheus"]


def test_a_fix_that_holds_at_once_is_told_as_such() -> None:
    steps = tell(House("held"))
    assert not [step for step in steps if "did not hold" in step or "takes" in step]
    assert steps.count("outcome stored: success") == 1


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        ("door", "the door answered Datadog with 401"),
        ("no_mr", "no time left while waiting for the merge request"),
        ("human", "inc-1: needs_human: a leak"),
        ("failure", "the outcome is failure, not success"),
    ],
)
def test_a_step_that_is_not_reached_ends_it_with_the_reason(flaw: str, said: str) -> None:
    with pytest.raises(DemoFailed, match=said):
        tell(House(flaw), seconds=0.8)


def test_an_incident_without_anything_has_reached_nothing() -> None:
    assert (reached({}), outcome_of({}), similar_found({})) == ([], "", 0)
    assert outcome_of({"learning": {"outcome": "partial"}}) == "partial"


def test_a_child_that_fails_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match=r"nonsense ended with status 2(?s:.)*No such command"):
        start(
            "nonsense", ["no-such-command"], folder=tmp_path, environment={}, event="x", within_s=20
        )
