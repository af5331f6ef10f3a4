"""K-Fix's Kubernetes client cannot write: not by its methods, not by its transport, not by a slip in between."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from kubernetes.aio.client import Configuration
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kfix.infra.clients import kubernetes as package
from kfix.infra.clients.kubernetes import Kubernetes, RejectedByServer, open_kubernetes
from kfix.infra.clients.kubernetes.lock import NOTHING
from kfix.infra.clients.kubernetes.refusals import presentable, refusal
from kfix.infra.clients.kubernetes.wire import DryRunOnly
from kfix.infra.settings import KubernetesConnection
from sandbox.serving import serve_in_thread
from schemas import errors
from schemas.base import ObjectRef

REF = ObjectRef(kind="Deployment", namespace="shop", name="api")


class Recorder:
    """A server that answers what it is told and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, list[str]]]] = []
        self.answers: list[Response] = []

    async def answer(self, request: Request) -> Response:
        self.asked.append((request.method, request.url.path, parse_qs(request.url.query)))
        if self.answers:
            return self.answers.pop(0)
        name = "p" if request.method == "POST" else request.url.path.rpartition("/")[2]
        namespace = "default" if request.method == "POST" else "shop"
        return JSONResponse({"metadata": {"name": name, "namespace": namespace}, "items": []})


@pytest.fixture
def server() -> Iterator[tuple[Recorder, KubernetesConnection]]:
    recorder = Recorder()
    methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]
    app = Starlette(routes=[Route("/{rest:path}", recorder.answer, methods=methods)])
    with serve_in_thread(app) as url:
        yield recorder, KubernetesConnection(url=url, timeout_s=2.0)


async def test_every_write_says_dry_run_strict_and_who(
    server: tuple[Recorder, KubernetesConnection],
) -> None:
    recorder, settings = server
    async with open_kubernetes(settings) as kube:
        await kube.dry_run_patch(REF, {"spec": {}})
        await kube.dry_run_patch(REF, {"spec": {}}, "merge")
        await kube.dry_run_patch(REF, [{"op": "remove", "path": "/spec"}], "json")
        await kube.dry_run_patch(REF, {"spec": {}}, "apply")
        await kube.dry_run_create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}})
    assert [method for method, _, _ in recorder.asked] == ["PATCH"] * 4 + ["POST"]
    for _, _, query in recorder.asked:
        assert query["dryRun"] == ["All"]
        assert query["fieldValidation"] == ["Strict"]
        assert query["fieldManager"] == ["k-fix"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/x"),
        ("PATCH", "/x?dryRun="),
        ("PATCH", "/x?dryRun=None"),
        ("PATCH", "/x?dryRun=All&dryRun="),
        ("PATCH", "/x?dryrun=All"),
        ("POST", "/x"),
        ("POST", "/api/v1/namespaces/a/serviceaccounts/b/token?dryRun=All"),
        ("POST", "/api/v1/namespaces/a/serviceaccounts/b/token/?dryRun=All"),
        ("PUT", "/x?dryRun=All"),
        ("DELETE", "/x?dryRun=All"),
        ("OPTIONS", "/x?dryRun=All"),
        ("patch", "/x"),
    ],
)
async def test_the_transport_refuses_what_could_write(
    server: tuple[Recorder, KubernetesConnection], method: str, path: str
) -> None:
    recorder, settings = server
    gate = DryRunOnly(Configuration(host=settings.url))
    with pytest.raises(errors.Defect) as refused:
        await gate.request(method, settings.url + path, {}, {"a": 1})
    assert refused.value.reason == "would_write"
    assert recorder.asked == []


PROBED = "/api/v1/namespaces/kfix/configmaps/k-fix-lock"
MERGE = "application/merge-patch+json"


async def test_the_locks_probe_is_a_real_patch_that_changes_nothing(
    server: tuple[Recorder, KubernetesConnection],
) -> None:
    recorder, settings = server
    async with open_kubernetes(settings) as kube:
        assert (await kube.prove_lock("kfix", "k-fix-lock")).state == "unlocked"
    assert recorder.asked == [("PATCH", PROBED, {"fieldManager": ["k-fix"]})]


@pytest.mark.parametrize(
    ("method", "path", "kind", "body"),
    [
        ("PATCH", f"{PROBED}?fieldManager=k-fix", MERGE, {"metadata": {"labels": {"a": "b"}}}),
        ("PATCH", f"{PROBED}?fieldManager=k-fix", MERGE, {}),
        ("PATCH", f"{PROBED}?fieldManager=k-fix", "application/apply-patch+yaml", NOTHING),
        ("PATCH", f"{PROBED}?fieldManager=k-fix", "application/json-patch+json", NOTHING),
        ("PATCH", f"{PROBED}?fieldManager=k-fix&force=true", MERGE, NOTHING),
        ("PATCH", f"{PROBED}?fieldManager=else", MERGE, NOTHING),
        ("PATCH", f"{PROBED}/status?fieldManager=k-fix", MERGE, NOTHING),
        ("PATCH", "/api/v1/namespaces/kfix/secrets/x?fieldManager=k-fix", MERGE, NOTHING),
        ("POST", f"{PROBED}?fieldManager=k-fix", MERGE, NOTHING),
        ("PUT", f"{PROBED}?fieldManager=k-fix", MERGE, NOTHING),
    ],
)
async def test_nothing_that_only_resembles_the_probe_passes_the_gate(
    server: tuple[Recorder, KubernetesConnection], method: str, path: str, kind: str, body: Any
) -> None:
    recorder, settings = server
    gate = DryRunOnly(Configuration(host=settings.url))
    with pytest.raises(errors.Defect):
        await gate.request(method, settings.url + path, {"Content-Type": kind}, body)
    assert recorder.asked == []


def test_the_client_offers_reads_and_dry_runs_only() -> None:
    public = {name for name, _ in inspect.getmembers(Kubernetes, callable) if name[0] != "_"}
    assert public == {
        "list",
        "get",
        "find",
        "pod_log",
        "version",
        "dry_run_patch",
        "dry_run_create",
        "prove_lock",
    }


def test_one_place_sends_and_it_goes_through_the_gate() -> None:
    """Whoever adds a second way to the network has to change this test."""
    names = ("request", "call_api", "_request", "post", "put", "delete")
    sends = [
        (file.name, ast.unparse(node.func))
        for file in Path(str(package.__file__)).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
    ]
    assert sorted(sends) == [
        ("wire.py", "self._gate.request"),
        ("wire.py", "self._session.request"),
        ("wire.py", "super().request"),
    ]


async def test_redirects_are_not_followed(server: tuple[Recorder, KubernetesConnection]) -> None:
    recorder, settings = server
    recorder.answers = [RedirectResponse("/elsewhere", 307)]
    async with open_kubernetes(settings) as kube:
        with pytest.raises(RejectedByServer):
            await kube.list("pods", "shop")
    assert [path for _, path, _ in recorder.asked] == ["/api/v1/namespaces/shop/pods"]


async def test_reads_are_tried_three_times(server: tuple[Recorder, KubernetesConnection]) -> None:
    recorder, settings = server
    recorder.answers = [JSONResponse({"message": "etcd"}, 503) for _ in range(5)]
    async with open_kubernetes(settings) as kube:
        with pytest.raises(errors.Unavailable):
            await kube.list("pods", "shop")
    assert len(recorder.asked) == 3


async def test_a_refused_apply_is_not_tried_again(
    server: tuple[Recorder, KubernetesConnection],
) -> None:
    recorder, settings = server
    said = "failed to create typed patch object (shop/api; apps/v1, Kind=Deployment): .spec.x: field not declared"
    recorder.answers = [JSONResponse({"kind": "Status", "message": said, "code": 500}, 500)]
    async with open_kubernetes(settings) as kube:
        with pytest.raises(RejectedByServer, match="field not declared"):
            await kube.dry_run_patch(REF, {"spec": {"x": 1}}, "apply")
    assert len(recorder.asked) == 1


@pytest.mark.parametrize(
    ("code", "body", "kind", "reason"),
    [
        (401, {"message": "Unauthorized"}, errors.Unauthorized, "unauthorized"),
        (
            403,
            {"message": 'pods is forbidden: User "k" cannot list resource "pods"'},
            errors.Unauthorized,
            "unauthorized",
        ),
        (
            403,
            {"message": 'pods "x" is forbidden: exceeded quota: q'},
            RejectedByServer,
            "admission",
        ),
        (404, {"message": "not found"}, errors.NotFound, "not_found"),
        (409, {"message": "modified"}, errors.Moved, "conflict"),
        (422, {"message": "invalid"}, RejectedByServer, "invalid"),
        (429, {"message": "slow down"}, errors.RateLimited, "rate_limited"),
        (500, {"message": "boom"}, errors.Unavailable, "unavailable"),
        (503, {"message": "etcd"}, errors.Unavailable, "unavailable"),
    ],
)
def test_answers_become_typed_errors(
    code: int, body: dict[str, Any], kind: type[errors.KFixError], reason: str
) -> None:
    import orjson

    failure = refusal(code, orjson.dumps(body), doing="GET /x")
    assert isinstance(failure, kind)
    assert failure.reason == reason


@pytest.mark.parametrize(
    "text",
    [
        'patch: Invalid value: "map[env:[map[name:PW value:hunter2]]]": bad',
        'Invalid value: {"env":[{"name":"PW","value":"hunter2"}]}: bad',
        "Invalid value: v1.Pod{Env:hunter2}: bad",
        'Invalid value: "hunter2": must be something',
        "password=hunter2 is wrong",
        "DB_TOKEN: hunter2",
        'api-key = "hunter2"',
        "x" * 5000 + "hunter2",
    ],
)
def test_messages_show_no_values_of_the_object(text: str) -> None:
    assert "hunter2" not in presentable(text)
    assert len(presentable(text)) <= 400


def test_messages_keep_what_helps() -> None:
    quota = "exceeded quota: q, requested: limits.cpu=100m, used: limits.cpu=200m, limited: limits.cpu=250m"
    assert presentable(quota) == quota
