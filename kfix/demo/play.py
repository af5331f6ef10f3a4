"""Puts the demo together: sandbox, stages, hooks, story; and takes it all down again."""

from __future__ import annotations

import base64
import contextlib
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from kfix.demo.children import Child, DemoFailed, start
from kfix.demo.screen import Screen
from kfix.demo.servers import ConsoleServer, Document, SandboxServer, open_client
from kfix.demo.story import DemoStory
from kfix.engine.broker.embedded import free_port

_READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to play. ``limit_s`` bounds the story, ``stay`` keeps everything up after it."""

    scenario: str = "oom"
    limit_s: float = 300.0
    stay: bool = False


@contextlib.contextmanager
def _stopping(child: Child) -> Iterator[Child]:
    try:
        yield child
    finally:
        child.stop()


def play(options: Options, screen: Screen) -> None:
    """Plays the demo. Raises DemoFailed with the reason when a step is not reached."""
    with ExitStack() as stack:
        stack.callback(screen.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kfix-demo-")))
        screen.waiting("starting the sandbox")
        company = stack.enter_context(_stopping(_start_sandbox(folder)))
        urls = _strings(company.ready["urls"])
        screen.done("the sandbox is up", f"GitLab at {urls['gitlab']}")
        screen.waiting("starting the broker and the stages")
        console_port, tokens = free_port(), _tokens()
        given = _strings(company.ready["environment"])
        environment = given | _environment(folder, console_port, tokens)
        process = stack.enter_context(_stopping(_start_house(folder, environment)))
        doors = _strings(process.ready["urls"])
        for door in ("ingest", "console"):
            if door not in doors:
                raise DemoFailed(f"kfix up opened no door for {door}")
        screen.done("broker, stages and console are up", doors["console"])
        sandbox = SandboxServer(stack.enter_context(open_client(urls["control"])))
        console = ConsoleServer(stack.enter_context(open_client(doors["console"])))
        sandbox.connect(_hooks(doors["ingest"], tokens))

        def check() -> None:
            company.check()
            process.check()

        deadline = time.monotonic() + options.limit_s
        story = DemoStory(sandbox, console, screen, check, deadline, doors["console"])
        story.tell(*_scenarios(sandbox, options.scenario))
        screen.done("done", f"console {doors['console']}, sandbox {urls['control']}/_sandbox/state")
        while options.stay:
            check()
            time.sleep(0.5)


def _start_sandbox(folder: Path) -> Child:
    return start(
        "sandbox",
        ["sandbox", "--with-parent", "--sync-s", "1"],
        folder=folder,
        environment={},
        event="sandbox.ready",
        within_s=_READY_S,
    )


def _start_house(folder: Path, environment: dict[str, str]) -> Child:
    return start(
        "kfix-up",
        ["up"],
        folder=folder,
        environment=environment,
        event="process.ready",
        within_s=_READY_S,
    )


def _tokens() -> dict[str, str]:
    signing = base64.b64encode(secrets.token_bytes(32)).decode()
    plain = {name: secrets.token_urlsafe(32) for name in ("datadog", "alertmanager")}
    return {**plain, "gitlab_signing": f"whsec_{signing}"}


def _environment(folder: Path, console_port: int, tokens: dict[str, str]) -> dict[str, str]:
    """Fresh state, secrets of this run, and a clock that people can wait for."""
    return {
        "KFIX_DATABASE_URL": f"sqlite:///{folder}/kfix.db",
        "KFIX_CONSOLE_URL": f"http://127.0.0.1:{console_port}",
        "KFIX_CONSOLE_PORT": str(console_port),
        "KFIX_INGEST_PORT": "0",
        "KFIX_INGEST_DATADOG_TOKENS": tokens["datadog"],
        "KFIX_INGEST_ALERTMANAGER_TOKENS": tokens["alertmanager"],
        "KFIX_INGEST_GITLAB_SIGNING_TOKENS": tokens["gitlab_signing"],
        "KFIX_INGEST_GITLAB_BOT": "kfix-bot",
        "KFIX_DECIDE_REOPEN_MINUTES": "0",
        "KFIX_LEARN_CHECK_AFTER_S": "8",
        "KFIX_LEARN_LOOK_EVERY_S": "2",
        "KFIX_LEARN_CAME_BACK_WITHIN_S": "1",  # the story breaks the same service again at once
        "KFIX_LEARN_POLL_S": "1",
    }


def _hooks(ingest: str, tokens: dict[str, str]) -> Document:
    return {
        "datadog_url": f"{ingest}/datadog-webhook",
        "datadog_token": tokens["datadog"],
        "alertmanager_url": f"{ingest}/alertmanager-webhook",
        "alertmanager_token": tokens["alertmanager"],
        "gitlab_url": f"{ingest}/gitlab-webhook",
        "gitlab_signing_token": tokens["gitlab_signing"],
    }


def _scenarios(sandbox: SandboxServer, name: str) -> tuple[Document, Document]:
    """The one that was asked for, and one of another service that Prometheus' rules tell of."""
    found = {str(scenario["name"]): scenario for scenario in sandbox.scenarios()}
    if name not in found:
        raise DemoFailed(f"no scenario {name}; there are {', '.join(found)}")
    beside = (
        scenario
        for scenario in found.values()
        if scenario["rule"]
        and scenario["expected"] == "solution_proposed"
        and scenario["service"] != found[name]["service"]
    )
    return found[name], next(beside)


def _strings(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise DemoFailed(f"unreadable ready line: {value!r}")
    return {str(k): str(v) for k, v in value.items()}
