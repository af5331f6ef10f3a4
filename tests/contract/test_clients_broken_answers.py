"""Every question to every service × answers that are none: a typed failure of that source, never anything else.

An answer may also mean that there is nothing (an empty list, an empty log); then that is what is told.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from decide.adapters.anthropic import ClaudeChat
from decide.adapters.mistral import MistralChat
from decide.adapters.openai import OpenAIChat
from decide.core.question import Message
from decide.ports import Completion
from enrich.adapters.datadog import DatadogEvidence
from enrich.adapters.kubernetes import KubernetesEvidence
from enrich.adapters.memory import VectorEarlierIncidents
from enrich.adapters.repositories import DeclaredInRepositories
from enrich.core.bundle import Recalled, Rules
from enrich.ports import ClusterSources, Sources
from enrich.service.gathering import gather
from kfix.incident.cluster_names import Fleet, Own
from kfix.incident.forge.port import FileAction, MergeRequestDraft
from kfix.infra.clients.aiohttp import open_session
from kfix.infra.clients.datadog import open_datadog
from kfix.infra.clients.http import open_http
from kfix.infra.clients.kubernetes import open_kubernetes
from kfix.infra.clients.registry import HttpRegistry
from kfix.infra.forges.gitlab.client import open_gitlab
from kfix.infra.forges.gitlab.forge import GitLabForge
from kfix.infra.forges.gitlab.settings import GitLabConnection
from kfix.infra.memory.embedding import HashingEmbedder, MistralEmbedder
from kfix.infra.memory.opening import OpenedMemory
from kfix.infra.memory.pinecone import PineconeIndex
from kfix.infra.settings import DatadogConnection, KubernetesConnection
from learn.adapters.datadog import DatadogSignals
from learn.adapters.kubernetes import KubernetesState
from publish.adapters.slack import SlackChat
from publish.adapters.teams import ConnectorChat, WorkflowsChat
from publish.core.notice import notice_of
from safety.adapters.kubernetes import KubernetesChecks
from safety.adapters.repositories import DeploymentRepositories
from schemas import errors
from schemas.alerts import Alert, FiredRule, RawAlert
from schemas.base import ObjectRef
from schemas.context import ContextBundle
from schemas.merge_requests import MergeRequestRef
from tests.support import learn, publish
from tests.support.loopback import Answer, serving

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SHA = "0123456789abcdef0123456789abcdef01234567"
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=utf-8"}
DEEP = 100_000
#: Names under which services answer lists.
LISTS = ("data", "series", "items", "choices", "content", "matches", "groups")


def bodies() -> dict[str, Any]:
    """JSON that is not what was asked for."""
    return {
        "an empty object": {},
        "an empty list": [],
        "null": None,
        "a bool": True,
        "a number": 5,
        "a text": "ok",
        "only an id": {"id": 5},
        "an id of another type": {"id": {"x": []}, "name": 7, "ok": "yes"},
        "a list of empty objects": [{}],
        "a list of nulls": [None],
        "a list of lists": [[[]]],
        "a list of numbers": [5, 6],
        "an error with 200": {"error": "internal", "ok": False, "message": "try later"},
        "errors with 200": {"errors": ["Forbidden"]},
        "a status with 200": {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": 500,
        },
        "lists that are null": dict.fromkeys(LISTS),
        "lists that are numbers": dict.fromkeys((*LISTS, "metadata", "commit"), 5),
        "lists of nulls": {key: [None] for key in LISTS},
        "lists of empty objects": {key: [{}] for key in LISTS},
        "objects that are lists": {
            "data": [{"attributes": [1]}],
            "items": [{"metadata": [1], "spec": [], "status": []}],
            "series": [{"pointlist": {"a": 1}, "metric": [], "unit": 4, "tag_set": 7}],
            "metadata": [],
            "choices": [{"message": [], "finish_reason": 5}],
            "content": [{"type": "text"}],
            "usage": [],
            "matches": [{"id": 5, "score": "x", "metadata": []}],
        },
    }


def answers() -> dict[str, Answer]:
    """What a service, or what stands before it, sends on a bad day."""
    page = b"<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>"
    text = json.dumps({"data": [{"id": "1"}], "series": []}).encode()
    return {
        **{name: Answer.of(body) for name, body in bodies().items()},
        "truncated": Answer(text[:-7]),
        "cut": Answer(text, cut=True),
        "a web page": Answer(page, headers=HTML),
        "a web page as JSON": Answer(page),
        "JSON as a web page": Answer(b"{}", headers=HTML),
        "nothing": Answer(b""),
        "nothing with 204": Answer(b"", status=204, headers={}),
        "a redirect": Answer(b"", status=302, headers={"location": "/elsewhere"}),
        "a web page with 502": Answer(page, status=502, headers=HTML),
        "not a number": Answer(b'{"id": NaN, "data": [NaN], "series": [Infinity], "items": [NaN]}'),
        "a huge number": Answer(b'{"id": 1e999, "iid": %s}' % (b"9" * 5_000)),
        "a deep nest": Answer(b'{"data":' + b"[" * DEEP + b"]" * DEEP + b"}"),
        "not UTF-8": Answer(b'{"id": "\xff\xfe\xfd", "name": "\x80"}'),
        "UTF-16": Answer('{"id": 5}'.encode("utf-16")),
        "zeros": Answer(b"\x00" * 512),
        "compressed": Answer(gzip.compress(b"{}"), headers={**JSON, "content-encoding": "gzip"}),
        "not as compressed as said": Answer(b"{}", headers={**JSON, "content-encoding": "gzip"}),
        "two objects": Answer(b'{"id": 5}{"id": 6}'),
    }


Asks = Mapping[str, Callable[[], Awaitable[Any]]]


@dataclass(frozen=True)
class Source:
    """A service as the stages ask it. ``nothing``: what a question may be answered with when there is nothing."""

    opened: Callable[[str], Any]
    nothing: Mapping[str, Callable[[Any], bool]]


def any_text(found: Any) -> bool:
    return isinstance(found, str | list)


@asynccontextmanager
async def datadog(url: str) -> AsyncIterator[Asks]:
    keys = {"api_key": SecretStr("a"), "app_key": SecretStr("b")}
    async with open_datadog(DatadogConnection(_env_file=None, url=url, **keys)) as client:  # type: ignore[call-arg, arg-type]
        evidence = DatadogEvidence(
            client, app_url="", lookback=timedelta(hours=1), log_events=10, monitor_events=5
        )
        signals = DatadogSignals(client)
        proposal = learn.PROPOSAL
        names = {"kube_namespace": "shop", "kube_deployment": "api", "service": "api"}
        yield {
            "event": lambda: evidence.complete(Alert(notification_id="7", title="x")),
            "monitor": lambda: evidence.monitor("5"),
            "logs": lambda: evidence.logs(names, NOW),
            "metrics": lambda: evidence.metrics(names, NOW),
            "signals": lambda: signals.measure(proposal, NOW - timedelta(hours=1), NOW),
        }


@asynccontextmanager
async def kubernetes(url: str) -> AsyncIterator[Asks]:
    async with open_kubernetes(KubernetesConnection(_env_file=None, url=url)) as client:  # type: ignore[call-arg]
        evidence = KubernetesEvidence(client, log_lines=10, log_containers=5)
        status = {"name": "app", "restartCount": 0, "ready": False}
        pod = {
            "metadata": {"name": "api-0", "namespace": "shop"},
            "status": {"containerStatuses": [status]},
        }
        checks, state = KubernetesChecks(client), KubernetesState(client)
        proposal = learn.PROPOSAL
        ref = ObjectRef(kind="Deployment", namespace="shop", name="api")
        custom = ObjectRef(api_version="x.io/v1", kind="Rollout", namespace="shop", name="api")
        yield {
            "objects": lambda: evidence.objects("shop"),
            "logs": lambda: evidence.logs([pod]),
            "bounds": lambda: checks.bounds(["shop"]),
            "dry_run": lambda: checks.dry_run(proposal.plan.kubernetes_changes, (), {}),
            "state": lambda: state.state(proposal, NOW),
            "patch": lambda: client.dry_run_patch(ref, {"spec": {}}),
            "discovery": lambda: client.find(custom),
            "version": client.version,
        }


@asynccontextmanager
async def gitlab(url: str) -> AsyncIterator[Asks]:
    settings = GitLabConnection(_env_file=None, url=url, timeout_s=5)  # type: ignore[call-arg]
    async with open_gitlab(settings) as client:
        evidence = DeclaredInRepositories(client, projects=["shop/apps"], commits=3)
        repository = DeploymentRepositories(client, projects=["shop/apps"])
        forge, stands = GitLabForge(client), GitLabForge(client)
        ref = ObjectRef(kind="Deployment", namespace="shop", name="api")
        mr = MergeRequestRef(
            project="shop/apps",
            iid=3,
            url="u",
            branch="b",
            target_branch="main",
            title="t",
            sha=SHA,
        )
        draft = MergeRequestDraft(
            "shop/apps", "b", "main", "t", "d", (), "ada", ("@sre", "@@maintainer")
        )
        actions = [FileAction("a.yaml", "a: 1\n", SHA)]
        changes = learn.PROPOSAL.plan.kubernetes_changes
        yield {
            "declared": lambda: evidence.declared(ref, "production"),
            "propose": lambda: repository.propose(changes, "production"),
            "commits": lambda: client.commits_of("shop/apps", "a.yaml", ref="main", diffs=True),
            "find": lambda: forge.find("shop/apps", "b"),
            "changed": lambda: forge.changed("shop/apps", NOW, 100),
            "discussion": lambda: forge.discussion(mr, NOW),
            "head": lambda: forge.head("shop/apps", "main"),
            "files": lambda: forge.files("shop/apps", "main", SHA),
            "file": lambda: forge.file("shop/apps", "a.yaml", SHA),
            "locks": lambda: forge.last_commit_ids("shop/apps", "main", ("a.yaml",)),
            "commit": lambda: forge.commit("shop/apps", "b", "main", "m", actions),
            "open": lambda: forge.open(draft),
            "note": lambda: forge.note(mr, "key", "text"),
            "rewrite": lambda: forge.rewrite(mr, "t", "d"),
            "mark": lambda: forge.mark(mr, "recovered"),
            "me": forge.me,
            "role": lambda: forge.role("shop/apps", "ada"),
            "merge": lambda: forge.merge(mr),
            "head of": lambda: forge.head_of(mr),
            "noted": lambda: forge.noted(mr, "key"),
            "stands": lambda: stands.stands([mr]),
        }


@asynccontextmanager
async def chats(url: str) -> AsyncIterator[Asks]:
    notice = notice_of(
        publish.record(),
        None,
        kind="needs_human",
        language="en",
        mr_url="",
        console_url="http://console",
    )
    async with open_session([url]) as session, open_http(url) as http:
        bot = AsyncWebClient("t", base_url=f"{url}/api/", session=session)
        hook = AsyncWebhookClient(f"{url}/hook", session=session)
        yield {
            "slack": lambda: SlackChat(bot, "C012345678").tell(notice),
            "slack hook": lambda: SlackChat(hook).tell(notice),
            "teams": lambda: WorkflowsChat(http, {}).tell(notice),
            "teams legacy": lambda: ConnectorChat(url, 5).tell(notice),
        }


@asynccontextmanager
async def models(url: str) -> AsyncIterator[Asks]:
    told = [Message("user", "?")]
    made = {
        "mistral": MistralChat(api_key="k", url=url, model="m", timeout_s=5),
        "anthropic": ClaudeChat(api_key="k", url=url, model="m", timeout_s=5),
        "openai": OpenAIChat(api_key="k", url=url, model="m", timeout_s=5, compatible=True),
    }
    embedder = MistralEmbedder(api_key="k", url=url, timeout_s=2)
    asks: dict[str, Any] = {
        name: (lambda chat=chat: chat.complete("s", told)) for name, chat in made.items()
    }
    yield {**asks, "embeddings": lambda: embedder.embed("text")}
    for chat in made.values():
        await chat.close()
    await embedder.close()


@asynccontextmanager
async def stores(url: str) -> AsyncIterator[Asks]:
    index, registry = PineconeIndex(api_key="k", host=url, timeout_s=2), HttpRegistry(url)
    vector = np.asarray([1.0, 0.0], dtype=np.float32)
    memory = VectorEarlierIncidents(OpenedMemory(HashingEmbedder(), index, 0.1, 3))
    schema = {"type": "record", "name": "R", "fields": []}
    yield {
        "recall": lambda: memory.recall("OOMKilled"),
        "upsert": lambda: index.upsert(id="a", model="m", vector=vector, metadata={"x": "y"}),
        "register": lambda: asyncio.to_thread(registry.register, "s-value", schema),
        "schema": lambda: asyncio.to_thread(registry.schema, 5),
        "compatible": lambda: asyncio.to_thread(registry.compatible, "s-value", schema),
    }
    await index.close()


SOURCES = {
    "datadog": Source(datadog, {}),
    "kubernetes": Source(
        kubernetes,
        {
            "logs": any_text,
            "version": any_text,
            "dry_run": lambda found: found.verdict != "pass",
        },
    ),
    "gitlab": Source(
        gitlab,
        {
            "declared": lambda found: found == ([], []),
            "commits": lambda found: found == [],
            "find": lambda found: found is None,
            "changed": lambda found: not found.seen,
            "commit": lambda found: found is None,
            "role": lambda found: found == 0,
            "note": lambda found: isinstance(found, bool),
            "rewrite": lambda found: found is None,
            "mark": lambda found: found is None,
            "merge": lambda found: isinstance(found, bool),
            "noted": lambda found: found is False,
            "stands": lambda found: found == {},
        },
    ),
    # A chat's 2xx says that the message was taken, whatever else it says.
    "chats": Source(
        chats,
        {name: lambda found: found.sent for name in ("slack hook", "teams", "teams legacy")},
    ),
    "models": Source(
        models,
        {
            name: lambda found: isinstance(found, Completion) and not found.text
            for name in ("anthropic", "mistral", "openai")
        },
    ),
    "stores": Source(
        stores,
        {"recall": lambda found: found == Recalled(), "register": lambda found: found == 5},
    ),
}


def test_there_are_thirty_broken_answers_and_more() -> None:
    assert len(answers()) >= 30


async def trouble_of(source: Source, name: str, answer: Answer) -> list[str]:
    """What is wrong with how this source took this answer, for each of its questions."""
    found = []
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(lambda _: answer))
        asks = await stack.enter_async_context(source.opened(url))
        told = await asyncio.gather(*(ask() for ask in asks.values()), return_exceptions=True)
        for question, result in zip(asks, told, strict=True):
            if isinstance(result, errors.Defect) or (
                isinstance(result, BaseException) and not isinstance(result, errors.KFixError)
            ):
                found.append(f"{question} ← {name}: {result!r}")
            elif not isinstance(result, BaseException):
                fine = source.nothing.get(question, lambda _: False)(result)
                found += [] if fine else [f"{question} ← {name}: believed {result!r:.200}"]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
async def test_whatever_a_service_answers_is_its_typed_failure(name: str) -> None:
    source = SOURCES[name]
    # Blocking clients wait between their attempts in a thread each.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(128))
    found = await asyncio.gather(*(trouble_of(source, *item) for item in answers().items()))
    assert [line for lines in found for line in lines] == []


RAW = RawAlert(
    event_id="d-1",
    occurred_at=NOW,
    body_sha256="0" * 64,
    body=b"{}",
    template="native",
    alert=Alert(
        notification_id="7",
        title="[Triggered] something",
        state="firing",
        labels={"kube_namespace": "shop", "kube_deployment": "api"},
        rule=FiredRule(id="5"),
    ),
)


async def bundle_with(answer: Answer) -> ContextBundle:
    """What becomes of an alert when every service answers this to everything."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(lambda _: answer))
        keys: dict[str, Any] = {"api_key": SecretStr("a"), "app_key": SecretStr("b")}
        dd = await stack.enter_async_context(
            open_datadog(DatadogConnection(_env_file=None, url=url, **keys))
        )
        kube = await stack.enter_async_context(
            open_kubernetes(KubernetesConnection(_env_file=None, url=url))  # type: ignore[call-arg]
        )
        lab = await stack.enter_async_context(
            open_gitlab(GitLabConnection(_env_file=None, url=url))  # type: ignore[call-arg]
        )
        index = PineconeIndex(api_key="k", host=url, timeout_s=2)
        stack.push_async_callback(index.close)
        sources = Sources(
            DatadogEvidence(
                dd, app_url="", lookback=timedelta(hours=1), log_events=10, monitor_events=5
            ),
            {
                "prod-eu": ClusterSources(
                    KubernetesEvidence(kube, log_lines=10, log_containers=5),
                    DeclaredInRepositories(lab, projects=["shop/apps"], commits=3),
                )
            },
            VectorEarlierIncidents(OpenedMemory(HashingEmbedder(), index, 0.1, 3)),
        )
        return await gather(RAW, sources, Rules(fleet=Fleet.of(Own("prod-eu"))), 60.0)


@pytest.mark.slow
async def test_an_alert_goes_on_with_its_sources_named_whatever_they_answer() -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64))
    told = answers()
    bundles = await asyncio.gather(*(bundle_with(answer) for answer in told.values()))
    for name, bundle in zip(told, bundles, strict=True):
        states = {status.name: (status.state, bool(status.reason)) for status in bundle.sources}
        for source in ("datadog.monitor", "datadog.logs", "datadog.metrics", "kubernetes.objects"):
            assert states[source] == ("missing", True), (name, source, bundle.sources)
        assert not bundle.k8s_context.objects, name
        assert not bundle.metrics, name
