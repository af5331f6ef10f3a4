"""Two control planes behind one instance: the one that the alert names is asked, and the other gets no request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from decide import core
from enrich.agent import enrich
from enrich.ports import EnrichPorts
from enrich.wiring import open_ports
from kfix.engine import topics
from kfix.infra.clients.kubernetes import open_clusters
from manifests.objects.meta import name_of
from sandbox.kubernetes import Cluster, create_app
from sandbox.serving import serve
from schemas import errors
from schemas.alerts import Alert, FiredRule, RawAlert
from schemas.context import ContextBundle

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
LABELS = {"kube_namespace": "shop", "kube_deployment": "api"}


@dataclass
class Plane:
    """One control plane. ``paths`` of what was asked; while ``silent`` nothing is answered."""

    name: str
    cluster: Cluster
    url: str = ""
    paths: list[str] = field(default_factory=list)
    silent: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def token(self) -> str:
        return f"token-of-{self.name}"

    async def answers_again(self) -> None:
        """Returns when all that was asked of it meanwhile is answered."""
        self.silent = False
        self.released.set()
        under_way = [t for t in asyncio.all_tasks() if "Shared._run" in repr(t.get_coro())]
        if under_way:
            await asyncio.wait(under_way, timeout=20)

    @property
    def uid(self) -> str:
        (system,) = (n for n in self.cluster.list("namespaces") if name_of(n) == "kube-system")
        return str(system["metadata"]["uid"])

    def app(self) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self.paths.append(scope["path"])
            if self.silent:
                await self.released.wait()
            await create_app(self.cluster, self.token)(scope, receive, send)

        return counted


def plane(name: str, replicas: int) -> Plane:
    cluster = Cluster(name)
    for space in ("shop", "kube-system"):
        cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    labels = {"app": "api"}
    cluster.put(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "api", "namespace": "shop"},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "api", "image": "shop/api:1"}]},
                },
            },
        }
    )
    return Plane(name, cluster)


@dataclass
class World:
    eu: Plane
    us: Plane
    ports: EnrichPorts
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))

    async def bundle(self, **said: Any) -> ContextBundle:
        found = await enrich(self.raw(**said), self.ports)
        assert found is not None
        return found

    def raw(self, state: str = "firing", rule: str = "7", **tags: str) -> RawAlert:
        number = next(self.numbers)
        alert = Alert(
            title="api is sick",
            state=state,  # type: ignore[arg-type]
            labels={**LABELS, **tags},
            rule=FiredRule(id=rule, group="kube_deployment:api"),
            happened_at=AT,
        )
        return RawAlert(
            event_id=f"dd-{number}",
            occurred_at=datetime.now(UTC),
            body_sha256="0" * 64,
            body=b"",
            alert=alert,
        )


@pytest.fixture
async def planes() -> AsyncIterator[tuple[Plane, Plane]]:
    eu, us = plane("prod-eu", 3), plane("prod-us", 5)
    async with contextlib.AsyncExitStack() as stack:
        for one in (eu, us):
            one.url = await stack.enter_async_context(serve(one.app()))
            stack.callback(one.released.set)
        yield eu, us


Configure = Callable[..., None]


@pytest.fixture
def configure(
    planes: tuple[Plane, Plane], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Configure:
    def configuring(
        uids: Mapping[str, str] | None = None, repositories: Mapping[str, list[str]] | None = None
    ) -> None:
        entries = []
        for one in planes:
            token = tmp_path / f"{one.name}.token"
            token.write_text(one.token + "\n")
            connection = {"url": one.url, "token_file": str(token), "timeout_s": 1}
            uid = (uids or {}).get(one.name, "")
            projects = (repositories or {}).get(one.name, [])
            entry = {"name": one.name, "uid": uid, "kubernetes": connection}
            entries.append({**entry, "repositories": projects})
        file = tmp_path / "clusters.yaml"
        file.write_text(yaml.safe_dump(entries))
        monkeypatch.setenv("KFIX_CLUSTERS_FILE", str(file))
        monkeypatch.setenv("KFIX_DATABASE_URL", f"sqlite:///{tmp_path / 'kfix.db'}")
        monkeypatch.setenv("KFIX_ENRICH_SOURCE_DEADLINE_S", "3")

    return configuring


@pytest.fixture
async def world(planes: tuple[Plane, Plane], configure: Configure) -> AsyncIterator[World]:
    configure()
    async with open_ports() as ports:
        yield World(*planes, ports)


def replicas(bundle: ContextBundle) -> list[int]:
    return [one["spec"]["replicas"] for one in bundle.k8s_context.objects.get("deployments", [])]


async def test_each_alert_is_answered_by_the_cluster_that_it_names_and_by_no_other(
    world: World,
) -> None:
    us = await world.bundle(kube_cluster_name="prod-us")
    assert (us.k8s_context.cluster, replicas(us)) == ("prod-us", [5])
    assert (us.claim.verdict, us.claim.own) == ("ours", "prod-us")
    assert not world.eu.paths
    assert world.us.paths
    before = len(world.us.paths)
    eu = await world.bundle(eks_cluster_name="PROD-EU")
    assert (eu.k8s_context.cluster, replicas(eu)) == ("prod-eu", [3])
    assert len(world.us.paths) == before
    assert world.eu.paths


async def test_the_same_workload_and_monitor_in_two_clusters_are_two_incidents(
    world: World,
) -> None:
    bundles = [await world.bundle(kube_cluster_name=name) for name in ("prod-eu", "prod-us")]
    assert len({b.cycle for b in bundles}) == 2
    assert len({topics.CONTEXT_BUNDLE.key(b) for b in bundles}) == 2
    verdicts = [core.diagnose(b, language="en") for b in bundles]
    prints = {core.fingerprint_of(b, v) for b, v in zip(bundles, verdicts, strict=True)}
    assert len(prints) == 2
    assert len({core.trouble_fingerprint(b) for b in bundles}) == 2
    # A second alert of one repeats that one's, and a recovery is of one alone.
    assert await enrich(world.raw(kube_cluster_name="prod-eu"), world.ports) is None
    over = await world.bundle(state="resolved", kube_cluster_name="prod-us")
    assert over.cycle == bundles[1].cycle


@pytest.mark.parametrize(
    "tags",
    [{}, {"kube_cluster_name": "prod-eu,prod-us"}, {"kube_cluster_name": "other-ap"}],
)
async def test_where_no_cluster_is_chosen_none_gets_a_request_and_people_hear_which_there_are(
    world: World, tags: dict[str, str]
) -> None:
    bundle = await world.bundle(**tags)
    assert (world.eu.paths, world.us.paths) == ([], [])
    (status,) = (s for s in bundle.sources if s.name == "cluster")
    assert ("which of prod-eu, prod-us is meant" in status.reason) is (
        "other-ap" not in tags.values()
    )
    verdict = core.not_ours(bundle, language="en")
    assert verdict is not None
    assert (verdict.status, verdict.reason) == ("needs_human", "another_cluster")
    for word in ("prod-eu, prod-us", *tags.values()):
        assert word.replace(",", ", ").replace(",  ", ", ") in verdict.explanation
    assert ("kube_cluster_name" in verdict.explanation) is ("other-ap" not in tags.values())


async def test_a_cluster_that_does_not_answer_holds_up_nobody_elses_alerts(world: World) -> None:
    world.us.silent = True
    with pytest.raises(errors.Unanswered) as first:
        await world.bundle(kube_cluster_name="prod-us")
    assert "kubernetes.objects" in str(first.value)
    # It rests: the next of its alerts is put back in line at once, and nobody asks it.
    later = world.raw(rule="8", kube_cluster_name="prod-us", kube_namespace="pay")
    with pytest.raises(errors.Unanswered, match="did not answer"):
        await enrich(later, world.ports)
    assert not any("/namespaces/pay/" in path for path in world.us.paths)
    eu = await world.bundle(kube_cluster_name="prod-eu")
    assert (replicas(eu), eu.claim.verdict) == ([3], "ours")
    await world.us.answers_again()


async def test_a_connection_that_leads_to_the_wrong_cluster_is_noticed_by_its_identity(
    planes: tuple[Plane, Plane], configure: Configure
) -> None:
    """Nothing of what the wrong one says is told as the named one's."""
    eu, us = planes
    right = {one.name: one.uid for one in planes}
    eu.cluster, us.cluster = us.cluster, eu.cluster
    configure(right)
    async with open_ports() as ports:
        bundle = await World(eu, us, ports).bundle(kube_cluster_name="prod-eu")
    assert (bundle.claim.verdict, bundle.k8s_context.objects) == ("foreign", {})
    assert right["prod-us"] in bundle.claim.reason


async def test_each_cluster_has_a_client_of_its_own_with_its_own_credentials(
    planes: tuple[Plane, Plane], configure: Configure
) -> None:
    configure()
    async with contextlib.AsyncExitStack() as stack:
        clients = await open_clusters(stack)
        assert set(clients) == {"prod-eu", "prod-us"}
        for one in planes:
            (found,) = await clients[one.name].list("deployments", "shop")
            assert found["metadata"]["name"] == "api"


@pytest.fixture
async def gitlab(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """A GitLab that has nothing; what it was asked for."""
    asked: list[str] = []

    async def empty(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["raw_path"].decode())
        await Response("{}", 404, media_type="application/json")(scope, receive, send)

    async with serve(empty) as url:
        monkeypatch.setenv("KFIX_GITLAB_URL", url)
        monkeypatch.setenv("KFIX_GITLAB_TOKEN", "t")
        monkeypatch.setenv("KFIX_GITLAB_PROJECTS", '["shop/eu", "shop/us"]')
        yield asked


async def test_only_the_repositories_of_the_alerts_cluster_are_read(
    planes: tuple[Plane, Plane], configure: Configure, gitlab: list[str]
) -> None:
    configure(repositories={"prod-us": ["shop/us"]})
    async with open_ports() as ports:
        world = World(*planes, ports)
        await world.bundle(kube_cluster_name="prod-us")
        assert any("shop%2Fus" in path for path in gitlab)
        assert not any("shop%2Feu" in path for path in gitlab)
        # Left out: all of them.
        await world.bundle(kube_cluster_name="prod-eu")
        assert any("shop%2Feu" in path for path in gitlab)


async def test_a_repository_that_is_not_among_the_forges_keeps_the_stage_from_starting(
    configure: Configure, gitlab: list[str]
) -> None:
    configure(repositories={"prod-us": ["shop/su"]})
    with pytest.raises(errors.Rejected, match="prod-us: shop/su is no project"):
        async with open_ports():
            pass
    assert not gitlab
