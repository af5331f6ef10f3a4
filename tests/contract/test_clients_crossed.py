"""Every client library against a server whose answers are named after the question, with callers who give up.

Callers give up at seeded random moments: while connecting, before the first byte, in the middle of the body. Whoever
waits must get the answer to what was asked. ``KFIX_TEST_FULL=1`` asks 10,000 questions of each client.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pymsteams
import pytest
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from decide.adapters.anthropic import ClaudeChat
from decide.adapters.mistral import MistralChat
from decide.adapters.openai import OpenAIChat
from decide.core.question import Message
from kfix.infra.clients.aiohttp import open_session
from kfix.infra.clients.datadog import open_datadog
from kfix.infra.clients.http import open_http
from kfix.infra.clients.kubernetes import open_kubernetes
from kfix.infra.clients.registry import HttpRegistry
from kfix.infra.forges.gitlab.client import open_gitlab
from kfix.infra.forges.gitlab.forge import GitLabForge
from kfix.infra.forges.gitlab.settings import GitLabConnection
from kfix.infra.memory.embedding import MistralEmbedder
from kfix.infra.memory.pinecone import PineconeIndex
from kfix.infra.settings import DatadogConnection, KubernetesConnection
from schemas import errors
from schemas.base import ObjectRef
from tests.support.loopback import Answer, Asked, serving

FULL = os.environ.get("KFIX_TEST_FULL") == "1"
#: Answers that each client must have got in a full run.
COUNT = 10_000
AT_ONCE = 16
Ask = Callable[[int], Awaitable[str]]


@dataclass(frozen=True)
class Subject:
    """One client: how it is opened, what the server answers, and what an answer to question n is called."""

    answer: Callable[[Asked], Answer]
    opened: Callable[[str], Any]
    #: Answers that it must have got in a short run: less of what costs much.
    few: int

    @property
    def count(self) -> int:
        return COUNT if FULL else self.few


def named(n: int) -> str:
    return f"q{n}"


def of_tail(text: str) -> int:
    return int(text.rpartition("q")[2])


# Datadog: a monitor, a query of metrics, a search of logs, an event, in turn.


def datadog_answer(asked: Asked) -> Answer:
    if "/monitor/" in asked.path:
        number = int(asked.path.rpartition("/")[2])
        told = {"id": number, "name": named(number), "type": "metric alert", "query": "q"}
        return Answer.of(told)
    if asked.path.endswith("/query"):
        query = asked.query["query"]
        point = {"metric": query, "expression": query, "scope": "*", "pointlist": [[1e12, 1.0]]}
        return Answer.of({"status": "ok", "query": query, "series": [point]})
    search = asked.query["filter[query]"]
    if "/logs/" not in asked.path:
        number = search.rpartition(":")[2]
        inner = {"evt": {"id": number}, "title": named(int(number))}
        return Answer.of({"data": [{"attributes": {"attributes": inner}}]})
    return Answer.of({"data": [{"attributes": {"message": search}}], "meta": {}})


@asynccontextmanager
async def datadog(url: str) -> AsyncIterator[Ask]:
    settings = DatadogConnection(
        _env_file=None,  # type: ignore[call-arg]
        url=url,
        api_key=SecretStr("a"),
        app_key=SecretStr("b"),
    )
    now = datetime.now(UTC)
    since = now - timedelta(hours=1)
    async with open_datadog(settings) as client:

        async def ask(n: int) -> str:
            if n % 4 == 0:
                return str((await client.monitor(n)).get("name"))
            if n % 4 == 1:
                return (await client.metrics([named(n)], since, now))[0].metric
            if n % 4 == 2:
                return str(((await client.event(str(n))) or {}).get("title"))
            return (await client.logs(named(n), since, now, 1))[0].message

        yield ask


# Kubernetes: an object, a list by label, a log, a dry-run, in turn.


def kubernetes_answer(asked: Asked) -> Answer:
    if asked.path.endswith("/log"):
        return Answer(asked.path.split("/")[-2].encode(), headers={"content-type": "text/plain"})
    if "labelSelector" in asked.query:
        label, _, name = asked.query["labelSelector"].partition("=")
        item = {"metadata": {"name": name, "namespace": "shop", "labels": {label: name}}}
        return Answer.of({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [item]})
    name = asked.path.rpartition("/")[2]
    kind = "Deployment" if "/deployments/" in asked.path else "ConfigMap"
    version = "apps/v1" if kind == "Deployment" else "v1"
    metadata = {"name": name, "namespace": "shop"}
    return Answer.of({"kind": kind, "apiVersion": version, "metadata": metadata})


@asynccontextmanager
async def kubernetes(url: str) -> AsyncIterator[Ask]:
    settings = KubernetesConnection(_env_file=None, url=url)  # type: ignore[call-arg]
    async with open_kubernetes(settings) as cluster:

        async def ask(n: int) -> str:
            name = named(n)
            if n % 4 == 0:
                found = await cluster.get("configmaps", "shop", name)
            elif n % 4 == 1:
                found = (await cluster.list("pods", "shop", labels=f"app={name}"))[0]
            elif n % 4 == 2:
                return await cluster.pod_log("shop", name)
            else:
                ref = ObjectRef(kind="Deployment", namespace="shop", name=name)
                found = (await cluster.dry_run_patch(ref, {"spec": {}})).object
            return str(found["metadata"]["name"])

        yield ask


# GitLab: a file, a merge request by its branch, a branch's head, in turn.

SHA = "0123456789abcdef0123456789abcdef01234567"


def gitlab_answer(asked: Asked) -> Answer:
    if "/files/" in asked.path:
        path = asked.path.rpartition("/files/")[2]
        content = base64.b64encode(path.encode()).decode()
        told = {"file_path": path, "ref": "main", "encoding": "base64", "content": content}
        return Answer.of(told)
    if asked.path.endswith("/merge_requests"):
        branch = asked.query["source_branch"]
        told = {
            "iid": of_tail(branch),
            "state": "opened",
            "web_url": "http://gitlab/x",
            "source_branch": branch,
            "target_branch": "main",
            "title": branch,
            "updated_at": "2026-11-24T08:00:00Z",
            "sha": SHA,
        }
        return Answer.of([told])
    branch = asked.path.rpartition("/branches/")[2]
    return Answer.of({"name": branch, "commit": {"id": f"{of_tail(branch):040x}"}})


@asynccontextmanager
async def gitlab(url: str) -> AsyncIterator[Ask]:
    settings = GitLabConnection(_env_file=None, url=url)  # type: ignore[call-arg]
    async with open_gitlab(settings) as client:
        forge = GitLabForge(client)

        async def ask(n: int) -> str:
            if n % 3 == 0:
                return (await client.file_at("team/apps", named(n), "main")).decode()
            if n % 3 == 1:
                found = await forge.find("team/apps", named(n))
                return found.ref.title if found else ""
            return named(int(await client.head("team/apps", named(n)), 16))

        yield ask


# The chats.


def slack_answer(asked: Asked) -> Answer:
    text = asked.json()["text"]
    if asked.path.endswith("/hook"):
        return Answer(text.encode(), headers={"content-type": "text/plain"})
    return Answer.of({"ok": True, "channel": "C1", "ts": "1.0", "message": {"text": text}})


@asynccontextmanager
async def slack(url: str) -> AsyncIterator[Ask]:
    async with open_session([url]) as session:
        bot = AsyncWebClient("t", base_url=f"{url}/api/", session=session)
        hook = AsyncWebhookClient(f"{url}/hook", session=session)

        async def ask(n: int) -> str:
            if n % 2:
                return str((await hook.send(text=named(n))).body)
            told = await bot.chat_postMessage(channel="C1", text=named(n))
            return str((told.get("message") or {})["text"])

        yield ask


def teams_answer(asked: Asked) -> Answer:
    return Answer(asked.json()["text"].encode(), status=400)


@asynccontextmanager
async def teams(url: str) -> AsyncIterator[Ask]:
    """A Workflows webhook says nothing but in its refusals: those are asked for."""
    async with open_http(url) as http:

        async def ask(n: int) -> str:
            with pytest.raises(errors.Rejected) as refused:
                await http.request("POST", "", json={"text": named(n)}, repeatable=True)
            return str(refused.value).rpartition(" ")[2]

        yield ask


@asynccontextmanager
async def teams_legacy(url: str) -> AsyncIterator[Ask]:
    async def ask(n: int) -> str:
        card = pymsteams.connectorcard(url, http_timeout=5)
        card.payload = {"text": named(n)}
        with pytest.raises(pymsteams.TeamsWebhookException) as refused:
            await asyncio.to_thread(card.send)
        return str(refused.value)

    yield ask


# Models.


def model_answer(asked: Asked) -> Answer:
    told = asked.json()
    if asked.path.endswith("/embeddings"):
        numbers = [float(of_tail(told["input"][0])), 1.0, *([0.0] * 1022)]
        data = [{"object": "embedding", "index": 0, "embedding": numbers}]
        usage = {"prompt_tokens": 1, "total_tokens": 1, "completion_tokens": 0}
        return Answer.of({"id": "e", "object": "list", "model": "m", "data": data, "usage": usage})
    text = told["messages"][-1]["content"]
    if asked.path.endswith("/messages"):
        return Answer.of(
            {
                "id": "m",
                "type": "message",
                "role": "assistant",
                "model": "m",
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 1, "output_tokens": 1},
            }
        )
    message = {"role": "assistant", "content": text}
    return Answer.of(
        {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
    )


@asynccontextmanager
async def chatting(chat: Any) -> AsyncIterator[Ask]:
    async def ask(n: int) -> str:
        return str((await chat.complete("system", [Message("user", named(n))])).text)

    yield ask
    await chat.close()


def mistral(url: str) -> Any:
    return chatting(MistralChat(api_key="k", url=url, model="m", timeout_s=5))


def anthropic(url: str) -> Any:
    return chatting(ClaudeChat(api_key="k", url=url, model="m", timeout_s=5))


def openai(url: str) -> Any:
    return chatting(OpenAIChat(api_key="k", url=url, model="m", timeout_s=5, compatible=True))


@asynccontextmanager
async def embeddings(url: str) -> AsyncIterator[Ask]:
    embedder = MistralEmbedder(api_key="k", url=url, timeout_s=5)

    async def ask(n: int) -> str:
        vector = await embedder.embed(named(n))
        return named(round(float(vector[0]) / float(vector[1])))

    yield ask
    await embedder.close()


# The vector store and the schema registry.


def pinecone_answer(asked: Asked) -> Answer:
    told = asked.json()
    if asked.path.endswith("/describe_index_stats"):
        return Answer.of({"namespaces": {}, "dimension": 2, "metric": "cosine"})
    if asked.path.endswith("/upsert"):
        return Answer.of({"upsertedCount": len(told["vectors"])})
    name = told["filter"]["name"]["$eq"]
    match = {"id": name, "score": 1.0, "metadata": {"name": name}}
    return Answer.of({"matches": [match], "namespace": told["namespace"]})


@asynccontextmanager
async def pinecone(url: str) -> AsyncIterator[Ask]:
    index = PineconeIndex(api_key="k", host=url, timeout_s=5)
    vector = np.asarray([1.0, 0.0], dtype=np.float32)

    async def ask(n: int) -> str:
        where = {"name": named(n)}
        hits = await index.search(vector, model="m", limit=1, threshold=0.0, where=where)
        return hits[0].id

    yield ask
    await index.close()


def registry_answer(asked: Asked) -> Answer:
    number = int(asked.path.rpartition("/")[2])
    record = {"type": "record", "name": named(number), "fields": []}
    return Answer.of({"schema": json.dumps(record)})


@asynccontextmanager
async def registry(url: str) -> AsyncIterator[Ask]:
    client = HttpRegistry(url)

    async def ask(n: int) -> str:
        return str((await asyncio.to_thread(client.schema, n))["name"])

    yield ask


SUBJECTS: dict[str, Subject] = {
    "datadog": Subject(datadog_answer, datadog, 1500),
    "kubernetes": Subject(kubernetes_answer, kubernetes, 2500),
    "gitlab": Subject(gitlab_answer, gitlab, 1000),
    "slack": Subject(slack_answer, slack, 2500),
    "teams": Subject(teams_answer, teams, 500),
    "teams-legacy": Subject(teams_answer, teams_legacy, 500),
    "mistral": Subject(model_answer, mistral, 300),
    "embeddings": Subject(model_answer, embeddings, 200),
    "anthropic": Subject(model_answer, anthropic, 300),
    "openai": Subject(model_answer, openai, 300),
    "pinecone": Subject(pinecone_answer, pinecone, 500),
    "registry": Subject(registry_answer, registry, 50),
}


def test_the_questions_of_one_run_are_ten_thousand() -> None:
    assert sum(subject.count for subject in SUBJECTS.values()) >= COUNT


def dawdling(answer: Callable[[Asked], Answer], chance: random.Random) -> Callable[[Asked], Answer]:
    """The same answers, at times late or in two parts: about as late as callers are patient."""

    def slowly(asked: Asked) -> Answer:
        told = answer(asked)
        before_s = chance.choice((0.0, 0.0, chance.uniform(0, 0.03)))
        within_s = chance.choice((0.0, 0.0, 0.0, chance.uniform(0, 0.03)))
        return Answer(told.body, told.status, told.headers, before_s, within_s)

    return slowly


@dataclass
class Tally:
    answered: int = 0
    given_up: int = 0
    crossed: int = 0
    failed: int = 0


async def storm(ask: Ask, count: int, chance: random.Random, at_once: int) -> Tally:
    """Asks until ``count`` questions are answered, a third of the callers with little patience."""
    tally = Tally()
    numbers = iter(range(1, 10**9))

    async def caller() -> None:
        while tally.answered < count:
            n = next(numbers)
            patience_s = chance.uniform(0, 0.03) if chance.random() < 0.35 else 30.0
            try:
                async with asyncio.timeout(patience_s):
                    found = await ask(n)
            except TimeoutError:
                tally.given_up += 1
            except errors.KFixError as failure:
                tally.crossed += failure.reason == "another_answer"
                tally.failed += 1
                if tally.failed > 100:
                    raise
            else:
                tally.answered += 1
                tally.crossed += found != named(n)

    await asyncio.gather(*(caller() for _ in range(at_once)))
    return tally


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBJECTS)
async def test_no_answer_is_given_to_another_question(name: str) -> None:
    subject = SUBJECTS[name]
    chance = random.Random(f"crossed {name}")
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(dawdling(subject.answer, chance)))
        ask = await stack.enter_async_context(subject.opened(url))
        assert await ask(0) == named(0)
        tally = await storm(ask, subject.count, chance, AT_ONCE)
    assert (tally.crossed, tally.failed) == (0, 0), tally
    assert tally.answered >= subject.count
    assert tally.given_up >= subject.count // 20, tally
