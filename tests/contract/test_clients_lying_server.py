"""A server that answers another question than was asked: that source's failure, named and counted, never evidence.

The same loopback answers as of ``test_clients_crossed``, for the question asked and then for another one.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from enrich.adapters.datadog import DatadogEvidence
from kfix.incident.forge.port import MergeRequestDraft
from kfix.infra.clients.aiohttp import open_session
from kfix.infra.clients.datadog import open_datadog
from kfix.infra.clients.kubernetes import open_kubernetes
from kfix.infra.forges.gitlab.client import open_gitlab
from kfix.infra.forges.gitlab.forge import GitLabForge
from kfix.infra.forges.gitlab.settings import GitLabConnection
from kfix.infra.memory.pinecone import PineconeIndex
from kfix.infra.settings import DatadogConnection, KubernetesConnection
from publish.adapters.slack import SlackChat
from publish.core.notice import notice_of
from schemas import errors
from schemas.alerts import Alert
from schemas.base import ObjectRef
from schemas.merge_requests import MergeRequestRef
from tests.support import publish
from tests.support.loopback import Answer, Asked, serving

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SHA = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
NAMES = {"kube_namespace": "shop", "kube_deployment": "api"}
Ask = Callable[[Any], Awaitable[Any]]


@asynccontextmanager
async def datadog(url: str) -> AsyncIterator[Any]:
    keys: dict[str, Any] = {"api_key": SecretStr("a"), "app_key": SecretStr("b")}
    async with open_datadog(DatadogConnection(_env_file=None, url=url, **keys)) as client:
        yield DatadogEvidence(
            client, app_url="", lookback=timedelta(hours=1), log_events=10, monitor_events=5
        )


@asynccontextmanager
async def kubernetes(url: str) -> AsyncIterator[Any]:
    async with open_kubernetes(KubernetesConnection(_env_file=None, url=url)) as client:  # type: ignore[call-arg]
        yield client


@asynccontextmanager
async def forge(url: str) -> AsyncIterator[Any]:
    async with open_gitlab(GitLabConnection(_env_file=None, url=url)) as client:  # type: ignore[call-arg]
        yield GitLabForge(client)


@asynccontextmanager
async def gitlab(url: str) -> AsyncIterator[Any]:
    async with open_gitlab(GitLabConnection(_env_file=None, url=url)) as client:  # type: ignore[call-arg]
        yield client


@asynccontextmanager
async def slack(url: str) -> AsyncIterator[Any]:
    async with open_session([url]) as session:
        yield SlackChat(AsyncWebClient("t", base_url=f"{url}/", session=session), "C012345678")


@asynccontextmanager
async def pinecone(url: str) -> AsyncIterator[Any]:
    index = PineconeIndex(api_key="k", host=url, timeout_s=5)
    yield index
    await index.close()


def of_index(answer: Any) -> Callable[[Asked], Any]:
    """An answer of the index, which says how many numbers its vectors have when it is asked for that."""
    stats = {"dimension": len(VECTOR), "namespaces": {}, "totalVectorCount": 0}
    return lambda asked: stats if asked.path.endswith("/describe_index_stats") else answer


def events(**inner: Any) -> Any:
    return {"data": [{"attributes": {"attributes": {"title": "t", **inner}}}]}


def monitor(asked: Asked, number: int, of: int) -> Any:
    """A monitor, or the events of one."""
    if asked.path.endswith("/events"):
        return events(evt={"id": "1"}, monitor_id=of)
    return {"id": number, "name": "m", "type": "metric alert", "query": "q"}


def series(asked: Asked, **more: Any) -> Any:
    told = {
        "metric": "kubernetes.cpu.usage.total",
        "scope": "kube_namespace:shop,kube_deployment:api,pod_name:api-0",
        "tag_set": ["pod_name:api-0"],
        "expression": "e",
        "pointlist": [[1e12, 1.0]],
    }
    return {"status": "ok", "query": asked.query["query"], "series": [{**told, **more}]}


def log_event(*tags: str, service: str = "api") -> Any:
    attributes = {"message": "m", "service": service, "tags": list(tags)}
    return {"data": [{"attributes": attributes}], "meta": {}}


def an_object(kind: str = "ConfigMap", namespace: str = "shop", name: str = "a") -> Any:
    return {"kind": kind, "apiVersion": "v1", "metadata": {"namespace": namespace, "name": name}}


def pods(namespace: str = "shop", app: str = "api", kind: str = "PodList") -> Any:
    metadata = {"name": "p", "namespace": namespace, "labels": {"app": app}}
    return {"kind": kind, "apiVersion": "v1", "metadata": {}, "items": [{"metadata": metadata}]}


def archive(commit: str) -> Answer:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as made:
        member = tarfile.TarInfo(f"apps-{commit}/a.yaml")
        member.size = 5
        made.addfile(member, io.BytesIO(b"a: 1\n"))
    return Answer(packed.getvalue(), headers={"content-type": "application/octet-stream"})


def project_file(path: str = "a.yaml") -> Any:
    return {"file_path": path, "encoding": "base64", "content": "YTogMQo=", "last_commit_id": SHA}


def branch(name: str = "main") -> Any:
    return {"name": name, "commit": {"id": SHA}}


def merge_request(source: str = "b", target: str = "main") -> Any:
    return {
        "iid": 3,
        "state": "opened",
        "web_url": "http://gitlab/mr",
        "source_branch": source,
        "target_branch": target,
        "title": "t",
        "sha": SHA,
        "updated_at": "2026-11-24T08:00:00Z",
    }


def discussed(asked: Asked, iid: int) -> Any:
    if asked.path.endswith("/user"):
        return {"id": 1, "username": "kfix-bot"}
    if asked.path.endswith("/notes"):
        return []
    if asked.path.endswith("/approvals"):
        return {"approved": False, "approved_by": []}
    return {**merge_request(), "iid": iid}


def member(asked: Asked, number: int) -> Any:
    if asked.path.endswith("/users"):
        return [{"id": 7, "username": "ada"}]
    return {"id": number, "access_level": 40, "state": "active"}


def match(namespace: str = "m", **metadata: str) -> Any:
    return {"matches": [{"id": "x", "score": 1.0, "metadata": metadata}], "namespace": namespace}


DEPLOYMENT = ObjectRef(kind="Deployment", namespace="shop", name="a")
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}}
VECTOR = np.asarray([1.0, 0.0], dtype=np.float32)
MR = MergeRequestRef(project="t/apps", iid=3)
DRAFT = MergeRequestDraft("t/apps", "b", "main", "t", "d", ())
NOTICE = notice_of(
    publish.record(), None, kind="needs_human", language="en", mr_url="", console_url="http://c"
)  # fmt: skip

Says = Callable[[Asked], Any]
#: Question: (client, how it is asked, the true answer, answers to other questions).
QUESTIONS: dict[str, tuple[Any, Ask, Says, dict[str, Says]]] = {
    "an event": (
        datadog,
        lambda d: d.complete(Alert(notification_id="7", title="t")),
        lambda _: events(evt={"id": "7"}),
        {"another event": lambda _: events(evt={"id": "8"}), "no id": lambda _: events(evt={})},
    ),
    "a monitor": (
        datadog,
        lambda d: d.monitor("5"),
        lambda asked: monitor(asked, 5, 5),
        {
            "another monitor": lambda asked: monitor(asked, 6, 5),
            "the history of another": lambda asked: monitor(asked, 5, 6),
        },
    ),
    "metrics": (
        datadog,
        lambda d: d.metrics(NAMES, NOW),
        series,
        {
            "another query": lambda asked: {**series(asked), "query": "avg:other{*}"},
            "another metric": lambda asked: series(asked, metric="system.load.1"),
            "another workload": lambda asked: series(
                asked, scope="kube_namespace:shop,kube_deployment:cart"
            ),
            "another namespace": lambda asked: series(
                asked, tag_set=["kube_namespace:pay"], scope=""
            ),
        },
    ),
    "logs": (
        datadog,
        lambda d: d.logs(NAMES, NOW),
        lambda _: log_event("kube_namespace:shop", "kube_deployment:api"),
        {
            "another namespace": lambda _: log_event("kube_namespace:pay"),
            "another workload": lambda _: log_event("kube_deployment:cart"),
        },
    ),
    "a service's logs": (
        datadog,
        lambda d: d.logs({"service": "api", "env": "prod"}, NOW),
        lambda _: log_event("env:prod"),
        {
            "another service": lambda _: log_event(service="cart"),
            "another environment": lambda _: log_event("env:dev"),
        },
    ),
    "an object": (
        kubernetes,
        lambda k: k.get("configmaps", "shop", "a"),
        lambda _: an_object(),
        {
            "another name": lambda _: an_object(name="b"),
            "another namespace": lambda _: an_object(namespace="pay"),
            "another kind": lambda _: an_object(kind="Secret"),
        },
    ),
    "a list": (
        kubernetes,
        lambda k: k.list("pods", "shop", labels="app=api,!gone,tier in (a, b)"),
        lambda _: {**pods(), "items": [_pod(app="api", tier="b")]},
        {
            "another namespace": lambda _: pods(namespace="pay"),
            "another label": lambda _: {**pods(), "items": [_pod(app="cart", tier="a")]},
            "outside the set": lambda _: {**pods(), "items": [_pod(app="api", tier="c")]},
            "what must be absent": lambda _: {
                **pods(),
                "items": [_pod(app="api", tier="a", gone="x")],
            },
            "another kind": lambda _: pods(kind="SecretList"),
        },
    ),
    "a dry-run": (
        kubernetes,
        lambda k: k.dry_run_patch(DEPLOYMENT, {"spec": {}}),
        lambda _: an_object("Deployment"),
        {
            "another object": lambda _: an_object("Deployment", name="b"),
            "another kind": lambda _: an_object("StatefulSet"),
        },
    ),
    "a dry-run of a new object": (
        kubernetes,
        lambda k: k.dry_run_create(POD),
        lambda _: an_object("Pod"),
        {"another object": lambda _: an_object("Pod", name="b")},
    ),
    "a branch": (
        gitlab,
        lambda g: g.head("t/apps", "main"),
        lambda _: branch(),
        {"another branch": lambda _: branch("dev")},
    ),
    "a project": (
        gitlab,
        lambda g: g.branch_of("t/apps"),
        lambda _: {"path_with_namespace": "t/apps", "default_branch": "main"},
        {"another project": lambda _: {"path_with_namespace": "t/x", "default_branch": "main"}},
    ),
    "a file": (
        gitlab,
        lambda g: g.file_at("t/apps", "a.yaml", "main"),
        lambda _: project_file(),
        {"another file": lambda _: project_file("b.yaml")},
    ),
    "a lock": (
        gitlab,
        lambda g: g.last_commit_ids("t/apps", "main", ("a.yaml",)),
        lambda _: project_file(),
        {"another file": lambda _: project_file("b.yaml")},
    ),
    "a repository": (
        gitlab,
        lambda g: g.snapshot_at("t/apps", "main", SHA),
        lambda _: archive(SHA),
        {"another commit": lambda _: archive(OTHER)},
    ),
    "a merge request": (
        forge,
        lambda f: f.find("t/apps", "b"),
        lambda _: [merge_request()],
        {"another branch's": lambda _: [merge_request("c")]},
    ),
    "what was said on a merge request": (
        forge,
        lambda f: f.discussion(MR, NOW),
        lambda asked: discussed(asked, 3),
        {"another merge request": lambda asked: discussed(asked, 4)},
    ),
    "a new merge request": (
        forge,
        lambda f: f.open(DRAFT),
        lambda asked: merge_request() if asked.method == "POST" else {"id": 1, "username": "me"},
        {
            "another branch's": lambda asked: (
                merge_request("c") if asked.method == "POST" else {"id": 1, "username": "me"}
            ),
            "another target": lambda asked: (
                merge_request(target="dev")
                if asked.method == "POST"
                else {"id": 1, "username": "me"}
            ),
        },
    ),
    "who may": (
        forge,
        lambda f: f.role("t/apps", "ada"),
        lambda asked: member(asked, 7),
        {"another member": lambda asked: member(asked, 8)},
    ),
    "a message": (
        slack,
        lambda s: s.tell(NOTICE),
        lambda _: {"ok": True, "channel": "C012345678", "ts": "1.0"},
        {"another channel": lambda _: {"ok": True, "channel": "C999999999", "ts": "1.0"}},
    ),
    "a memory": (
        pinecone,
        lambda p: p.search(VECTOR, model="m", limit=3, threshold=0.1, where={"team": "a"}),
        of_index(match(team="a")),
        {
            "another namespace": of_index(match("n", team="a")),
            "another team's": of_index(match(team="b")),
        },
    ),
    "a remembered vector": (
        pinecone,
        lambda p: p.upsert(id="x", model="m", vector=VECTOR, metadata={}),
        of_index({"upsertedCount": 1}),
        {"another number": of_index({"upsertedCount": 100})},
    ),
}


def _pod(**labels: str) -> Any:
    return {"metadata": {"name": "p", "namespace": "shop", "labels": labels}}


def _cases() -> Iterator[Any]:
    for question, (_, _, _, lies) in QUESTIONS.items():
        yield from (pytest.param(question, lie, id=f"{question}, {lie}") for lie in lies)


def served(says: Says) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        told = says(asked)
        return told if isinstance(told, Answer) else Answer(json.dumps(told).encode())

    return answer


def counted() -> float:
    found = [
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "kfix_source_surprises_total"
        and sample.labels["reason"] == "another_answer"
    ]
    return sum(found)


@pytest.mark.parametrize("question", QUESTIONS)
async def test_the_answer_to_the_question_is_taken(question: str) -> None:
    client, ask, truth, _ = QUESTIONS[question]
    async with serving(served(truth)) as url, client(url) as opened:
        await ask(opened)


@pytest.mark.parametrize(("question", "lie"), list(_cases()))
async def test_the_answer_to_another_question_is_a_failure_of_the_source(
    question: str, lie: str
) -> None:
    client, ask, _, lies = QUESTIONS[question]
    before = counted()
    async with serving(served(lies[lie])) as url, client(url) as opened:
        with pytest.raises(errors.Unavailable) as failed:
            await ask(opened)
    assert failed.value.reason == "another_answer"
    assert counted() > before
