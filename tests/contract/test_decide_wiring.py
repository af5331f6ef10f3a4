"""decide opens what the settings name; a model's answer goes through the stage's own handler into the record."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from decide.agent import decide
from decide.core.playbooks import BadPlaybooks
from decide.ports import DecidePorts
from decide.wiring import open_ports
from sandbox import anthropic, mistral, openai
from sandbox.mistral import Answer
from sandbox.serving import serve
from schemas.base import Json
from schemas.context import ContextBundle
from tests.support.decide.clusters import Cluster

Account = mistral.Mistral | anthropic.Anthropic | openai.OpenAI
PROVIDERS: dict[str, tuple[Callable[[], Account], Callable[[Any], Any], str]] = {
    "mistral": (mistral.Mistral, mistral.create_app, ""),
    "anthropic": (anthropic.Anthropic, anthropic.create_app, ""),
    "openai": (lambda: openai.OpenAI(compatible=True), openai.create_app, "/v1"),
}


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFIX_DATABASE_URL", f"sqlite:///{tmp_path}/kfix.db")


@contextmanager
def settings(monkeypatch: pytest.MonkeyPatch, **values: str) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name, value in values.items():
            patch.setenv(f"KFIX_DECIDE_{name.upper()}", value)
        yield


@asynccontextmanager
async def opened(
    name: str, account: Account, monkeypatch: pytest.MonkeyPatch, **more: str
) -> AsyncIterator[DecidePorts]:
    _, app, path = PROVIDERS[name]
    async with serve(app(account)) as url:
        values = {"provider": name, f"{name}_url": url + path, f"{name}_api_key": account.api_key}
        with settings(monkeypatch, ask="always", **values, **more):
            async with open_ports() as ports:
                yield ports


def saying(**answer: Json) -> Answer:
    whole = {
        "hypothesis": "H1",
        "plan": "none",
        "verdict": "fix",
        "confidence": 0.9,
        "explanation": "because",
        "proposal": None,
        **answer,
    }

    def said(_: Mapping[str, Json]) -> str:
        return json.dumps(whole)

    return said


def killed() -> ContextBundle:
    cluster = Cluster(3)
    name = cluster.app()
    cluster.crashed(name, 137, reason="OOMKilled")
    return cluster.bundle(name)


@pytest.mark.parametrize("name", PROVIDERS)
async def test_each_provider_is_asked_once_for_an_alert_that_is_delivered_twice(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = PROVIDERS[name][0]()
    account.answer = saying(plan="P1")
    async with opened(name, account, monkeypatch) as ports:
        first = await decide(killed(), ports)
        second = await decide(killed(), ports)
    assert first is not None
    assert second is not None
    said = first.second_opinion
    assert (said.provider, said.verdict, said.prompt_version) == (name, "agreed", "diagnose.v2.en")
    assert second.second_opinion.verdict == "agreed"
    assert second.event_id == first.event_id
    assert len(account.asked) == 1


async def test_an_answer_outlives_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    account = mistral.Mistral(answer=saying(plan="P1"))
    for _ in range(2):
        async with opened("mistral", account, monkeypatch) as ports:
            record = await decide(killed(), ports)
            assert record is not None
            assert record.second_opinion.verdict == "agreed"
    assert len(account.asked) == 1


async def test_the_budget_outlives_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    account = mistral.Mistral(answer=lambda _: "no")
    verdicts = []
    for _ in range(3):
        async with opened("mistral", account, monkeypatch, questions_per_incident="2") as ports:
            record = await decide(killed(), ports)
            assert record is not None
            verdicts.append((record.status, record.second_opinion.reason))
    assert verdicts == [
        ("solution_proposed", "malformed_answer"),
        ("solution_proposed", "no_budget"),
        ("solution_proposed", "no_budget"),
    ]
    assert len(account.asked) == 2


async def test_a_model_that_is_down_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_ports() as alone:
        expected = await decide(killed(), alone)
    with settings(monkeypatch, mistral_url="http://127.0.0.1:9", mistral_api_key="k", ask="always"):
        async with open_ports() as ports:
            record = await decide(killed(), ports)
    assert record is not None
    assert expected is not None
    assert record.second_opinion.reason == "unavailable"
    ignored = {"second_opinion", "incident_id", "event_id", "role", "world"}
    assert record.model_dump(exclude=ignored) == expected.model_dump(exclude=ignored)


async def test_a_doubted_plan_goes_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    account = mistral.Mistral(answer=saying(hypothesis="none", verdict="no_action"))
    async with opened("mistral", account, monkeypatch, certain_from="1.0") as ports:
        record = await decide(killed(), ports)
    assert record is not None
    assert (record.status, record.reason) == ("needs_human", "rules_and_model_disagree")


async def test_the_prompt_is_the_one_that_is_set_in_the_language_of_the_house(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KFIX_LANGUAGE", "fr")
    account = mistral.Mistral(answer=saying(plan="P1"))
    async with opened("mistral", account, monkeypatch, prompt="diagnose.v1") as ports:
        record = await decide(killed(), ports)
    assert record is not None
    assert record.second_opinion.prompt_version == "diagnose.v1.fr"
    assert "Tu es un expert DevOps" in str(account.asked[0]["messages"])


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"mistral_api_key": "k", "ask": "never"},
        {"provider": "anthropic", "mistral_api_key": "k"},
        {"provider": "openai"},
    ],
)
async def test_without_a_key_or_a_wish_nobody_is_asked(
    values: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with settings(monkeypatch, **values):
        async with open_ports() as ports:
            assert ports.reasoner is None


async def test_a_server_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with settings(monkeypatch, provider="openai", openai_url="http://127.0.0.1:9/v1"):
        async with open_ports() as ports:
            assert ports.reasoner is not None


async def test_playbooks_of_ones_own_are_used_and_a_broken_one_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    file = own / "house.yaml"
    file.write_text(
        "id: house_rule\ntitle: {en: House rule}\nsource: house\nfor: Deployment\n"
        "when: [object.spec.replicas == 1]\nscore: 0.9\ndiagnosis: {en: one of them}\n"
    )
    cluster = Cluster(5)
    cluster.app()
    with settings(monkeypatch, playbooks_dir=str(own)):
        async with open_ports() as ports:
            record = await decide(cluster.bundle(), ports)
    assert record is not None
    assert record.analysis is not None
    assert record.analysis.failure_class == "house_rule"
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "house.yaml").write_text(file.read_text())
    (broken / "worse.yaml").write_text("id: [")
    with settings(monkeypatch, playbooks_dir=str(broken)), pytest.raises(BadPlaybooks):
        async with open_ports():
            pass
