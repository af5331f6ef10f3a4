"""The search through the whole cluster: a bounded number of lists, none of them cut unseen, and nobody chosen from a part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from enrich.adapters import kubernetes
from enrich.adapters.kubernetes import KubernetesEvidence
from enrich.core.names import named
from enrich.core.subject import Circumstances
from enrich.ports import Listing
from enrich.service.looking import Looking
from enrich.service.round import Round
from schemas import errors
from schemas.base import Json
from schemas.context import LogExcerpt

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


class Lists:
    """A client whose lists are as told; ``asked`` keeps what it was asked for."""

    def __init__(self, **said: Any) -> None:
        self.said = said
        self.asked: list[tuple[str, str, int]] = []

    async def list(
        self, plural: str, namespace: str = "", *, labels: str = "", limit: int = 0
    ) -> list[Json]:
        self.asked.append((plural, namespace, limit))
        found = self.said.get(plural.partition(".")[0], [])
        if isinstance(found, Exception):
            raise found
        return list(found)[: limit or None]


def reader(client: Lists) -> KubernetesEvidence:
    return KubernetesEvidence(client, log_lines=1, log_containers=1)  # type: ignore[arg-type]


async def test_a_kind_with_too_many_objects_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Lists(pods=[{"metadata": {"name": str(n)}} for n in range(6_000)], services=[{}])
    found = await reader(client).across(("pods", "services"))
    assert found.objects == {"services": [{}]}
    assert found.refused == ("pods (>4,999)",)
    assert {limit for _, _, limit in client.asked} == {5_000}


async def test_what_may_not_be_read_is_named_and_what_is_not_served_is_not() -> None:
    client = Lists(rollouts=errors.NotFound("no"), jobs=errors.Unauthorized("403"), services=[])
    found = await reader(client).across(("rollouts", "jobs", "services"))
    assert found == Listing({"services": []}, ("jobs (unauthorized)",))


async def test_a_silent_cluster_raises() -> None:
    with pytest.raises(errors.Unavailable):
        await reader(Lists(jobs=errors.Unavailable("503"))).across(("jobs", "services"))


class World:
    """A cluster reader over lists by kind; ``calls`` keeps its searches."""

    def __init__(self, objects: dict[str, list[Json]], refused: tuple[str, ...] = ()) -> None:
        self.all, self.refused = objects, refused
        self.calls: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
        self.spaces: list[str] = []

    async def objects(self, namespace: str) -> Listing:
        self.spaces.append(namespace)
        return Listing({"nodes": [], "namespaces": []})

    async def across(self, kinds: Sequence[str], namespaces: Sequence[str] = ()) -> Listing:
        self.calls.append((tuple(kinds), tuple(namespaces)))
        return Listing({k: self.all[k] for k in kinds if k in self.all}, self.refused)

    async def logs(self, pods: Sequence[Json]) -> list[LogExcerpt]:
        return []


def deployments(count: int) -> list[Json]:
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": f"s{n}"},
            "spec": {"replicas": 1},
            "status": {"readyReplicas": 1},
        }
        for n in range(count)
    ]


async def looked(world: World, **tags: str) -> tuple[str, str]:
    looking = Looking(Round(5.0), world, Circumstances(AT))
    whos = (named(tags),)
    found, _ = await looking.end(whos, await looking.begin(whos))
    return found.search.ending, found.subject.key if found.subject else ""


@pytest.mark.parametrize(("count", "searches"), [(0, 2), (1, 1), (2, 2), (200, 2)])
async def test_the_number_of_searches_does_not_grow(count: int, searches: int) -> None:
    world = World({"deployments": deployments(count)})
    await looked(world, service="web")
    assert len(world.calls) == searches
    assert all(len(spaces) <= 8 for _, spaces in world.calls)


async def test_with_a_namespace_or_without_a_name_nothing_is_searched() -> None:
    world = World({"deployments": deployments(1)})
    await looked(world, service="web", kube_namespace="s0")
    await looked(world, team="shop")
    assert not world.calls
    assert world.spaces == ["s0", ""]


async def test_of_who_is_found_the_namespace_is_read() -> None:
    world = World({"deployments": deployments(1)})
    assert await looked(world, service="web") == ("found", "Deployment/s0/web")
    assert world.spaces == ["", "s0"]


async def test_what_was_read_in_part_chooses_nobody_but_for_add_ons() -> None:
    assert await looked(
        World({"deployments": deployments(1)}, ("jobs (unauthorized)",)), service="web"
    ) == (
        "not_all_read",
        "",
    )
    beside = World({"deployments": deployments(1)}, ("rollouts.argoproj.io (unauthorized)",))
    assert (await looked(beside, service="web"))[0] == "found"


def test_every_kind_that_is_searched_is_one_that_is_listed() -> None:
    from enrich.core.matching import ROUTES
    from enrich.service.looking import WORKLOADS

    listed = {wish.plural for wish in kubernetes.wishes("x")}
    assert {*WORKLOADS, *ROUTES, "pods", "replicasets", "events"} <= listed
