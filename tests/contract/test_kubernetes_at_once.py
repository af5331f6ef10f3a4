"""How much of an API server one process takes at once: one bound over all its stages, also while requests are given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import pytest

from kfix.infra.clients.kubernetes import Kubernetes, open_kubernetes
from kfix.infra.settings import KubernetesConnection
from safety.adapters.kubernetes import KubernetesChecks
from safety.adapters.limits import LimitedCluster
from sandbox.faults import Capacity, Faults, WithFaults
from sandbox.kubernetes import Cluster, create_app
from sandbox.serving import serve
from schemas import errors

AT_ONCE = 4
PATCH = (
    "PATCH /api/v1/namespaces/default/configmaps/absent HTTP/1.1\r\nHost: kubernetes\r\n"
    "Content-Type: application/merge-patch+json\r\nContent-Length: 15\r\n\r\n"
    '{"metadata":{}}'
)


@asynccontextmanager
async def api_server(capacity: Capacity) -> AsyncIterator[tuple[str, Faults]]:
    """An API server that bears so much, and what it was asked. Nobody waits for it for ever."""
    faults = Faults(capacities={"kubernetes": capacity})
    async with (
        asyncio.timeout(60),
        serve(WithFaults(create_app(Cluster(), None), "kubernetes", faults)) as url,
    ):
        yield url, faults


@asynccontextmanager
async def stages(url: str, count: int, timeout_s: float = 10.0) -> AsyncIterator[list[Kubernetes]]:
    """Clients that the stages of one process opened, each its own."""
    settings = KubernetesConnection(url=url, at_once=AT_ONCE, timeout_s=timeout_s)
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_kubernetes(settings)) for _ in range(count)]


async def until_asked(faults: Faults, times: int) -> None:
    """Waits until so many requests have reached the server."""
    while faults.count("kubernetes") < times:  # noqa: ASYNC110 - the server counts, and tells nobody
        await asyncio.sleep(0.01)


async def test_all_stages_of_a_process_ask_so_much_of_an_api_server_at_once_and_no_more() -> None:
    capacity = Capacity(at_once=2, seconds=0.01, waiting=100)
    async with api_server(capacity) as (url, _), stages(url, 3) as clients:
        enrich, safety, watch = clients
        checks = LimitedCluster(KubernetesChecks(safety), at_once=2)
        lists = [enrich.list(plural) for plural in ("pods", "nodes", "services", "events") * 4]
        bounds = [checks.bounds(["default", "kube-system"]) for _ in range(3)]
        proofs = [watch.prove_lock("default", "absent") for _ in range(3)]
        await asyncio.gather(*lists, *bounds, *proofs)
    assert capacity.most_inside == AT_ONCE
    assert capacity.refused == 0


async def test_two_api_servers_do_not_share_a_bound() -> None:
    first, second = (Capacity(at_once=50, seconds=0.1, waiting=0) for _ in range(2))
    async with (
        api_server(first) as (one, _),
        api_server(second) as (other, _),
        AsyncExitStack() as stack,
    ):
        clients = [await stack.enter_async_context(stages(url, 1)) for url in (one, other)]
        lists = [client.list("pods") for (client,) in clients for _ in range(AT_ONCE + 2)]
        await asyncio.gather(*lists)
    assert (first.most_inside, second.most_inside) == (AT_ONCE, AT_ONCE)


async def test_the_time_of_a_call_begins_when_its_turn_comes() -> None:
    capacity = Capacity(at_once=AT_ONCE, seconds=0.1, waiting=0)
    async with api_server(capacity) as (url, _), stages(url, 1, timeout_s=0.4) as (client,):
        await asyncio.gather(*(client.list("pods") for _ in range(AT_ONCE * 6)))
    assert capacity.refused == 0


async def test_a_request_that_is_given_up_leaves_its_place_to_the_next_one() -> None:
    capacity = Capacity(at_once=1, seconds=3600, waiting=AT_ONCE - 1)
    async with api_server(capacity) as (url, faults), stages(url, 2) as clients:
        for _ in range(3):
            asked = faults.count("kubernetes")
            stuck = [
                asyncio.ensure_future(client.list("pods")) for client in clients for _ in range(2)
            ]
            await until_asked(faults, asked + AT_ONCE)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)
        assert faults.count("kubernetes") == 3 * AT_ONCE
        assert capacity.refused == 0
        capacity.seconds = 0.0
        assert await clients[0].list("pods") == []


async def test_a_request_without_an_answer_in_time_leaves_its_place() -> None:
    capacity = Capacity(at_once=1, seconds=3600, waiting=AT_ONCE - 1)
    async with api_server(capacity) as (url, _), stages(url, 1, timeout_s=0.1) as (client,):
        asked = [client.list("pods") for _ in range(2 * AT_ONCE)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers} == {errors.TimedOut}
        assert capacity.refused == 0
        assert capacity.most_inside == AT_ONCE


@pytest.mark.parametrize("sent", [PATCH, PATCH[:-4]], ids=["whole", "cut in its body"])
async def test_the_sandbox_works_at_no_request_whose_client_is_gone(sent: str) -> None:
    """The API server cancels a request whose connection is closed, in line or under way."""
    capacity = Capacity(at_once=1, seconds=3600, waiting=2)
    async with api_server(capacity) as (url, faults):
        where = urlsplit(url)
        for number in range(1, 7):
            _, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(sent.encode())
            await until_asked(faults, number)
            writer.close()
            await writer.wait_closed()
        capacity.seconds = 0.0
        async with stages(url, 1) as (client,):
            assert await client.list("pods") == []
    assert (capacity.inside, capacity.refused) == (0, 0)
