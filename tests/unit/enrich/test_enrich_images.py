"""Which images registries are asked about, and by whom they are chosen; what they say is in the bundle."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from enrich.adapters.capture import read_capture
from enrich.adapters.unconfigured import NoClusterReader, NoObservability, NoRepository
from enrich.core.images import ImageQuestion, question
from enrich.ports import ClusterSources, Listing, Sources
from enrich.service.gathering import gather
from schemas import errors
from schemas.context import Change, ContextBundle, LogExcerpt
from schemas.images import ImageAnswer, RegistryAnswers
from tests.support.decide.clusters import Cluster
from tests.support.decide.faults_images import pulling, released
from tests.support.enrich import NoMemory
from tests.unit.enrich.test_enrich_gathering import OURS, Rules, raw


def shop() -> tuple[Cluster, str]:
    cluster = Cluster(11)
    for _ in range(3):
        cluster.app()
    return cluster, cluster.app()


def asked(cluster: Cluster, *more: Any) -> ImageQuestion:
    return question(cluster.objects, cluster.namespace, *more)


def names(question: ImageQuestion) -> list[str]:
    return [one.canonical for one in question.relatives]


def test_where_all_images_come_nothing_is_wanted() -> None:
    cluster, _ = shop()
    found = asked(cluster)
    assert (found.wanted, found.relatives) == ((), ())
    assert found.running == {"registry.example"}


def test_the_image_that_does_not_come_is_wanted_and_the_one_before_comes_first() -> None:
    cluster, app = shop()
    before, now = released(cluster, app)
    pulling(cluster, app, "not found")
    found = asked(cluster)
    assert [one.canonical for one in found.wanted] == [now]
    assert names(found)[0] == before
    assert now not in names(found)


def test_a_registry_that_only_the_missing_image_names_is_none_that_runs() -> None:
    cluster, app = shop()
    cluster.container(app)["image"] = "evil.example/x:1"
    pulling(cluster, app, "not found")
    assert "evil.example" not in asked(cluster).running


def test_commits_tell_images_and_tags_that_were_taken_away() -> None:
    cluster, app = shop()
    cluster.container(app)["image"] = "r.example/web:3"
    pulling(cluster, app, "not found")
    diff = '-    tag: "2"\n+    tag: "3"\n-        - image: r.example/old:1\n-  newTag: 2.1\n'
    commit = Change(kind="commit", detail={"diff": diff})
    odd = Change(kind="commit", detail={"diff": 7})
    assert names(asked(cluster, [commit, odd]))[:3] == [
        "r.example/web:2",
        "r.example/old:1",
        "r.example/web:2.1",
    ]


def test_namesakes_elsewhere_and_cousins_here_are_relatives() -> None:
    cluster, app = shop()
    image = cluster.container(app)["image"]
    name = image.rpartition("/")[2].partition(":")[0]
    pulling(cluster, app, "not found")
    cluster.container(app)["image"] = f"r.example/shop/{name}:9"
    cluster.add("deployments", "far", spec={"template": {"spec": {"containers": [
        {"name": "c", "image": f"r.example/bank/{name}:7"}]}}})  # fmt: skip
    found = names(asked(cluster))
    assert f"r.example/bank/{name}:7" in found
    assert f"registry.example/{name}:1.0" in found


def test_a_program_for_another_processor_is_wanted_by_its_last_words() -> None:
    cluster, app = shop()
    cluster.crashed(app, 1)
    assert asked(cluster).wanted == ()
    log = LogExcerpt(
        namespace=cluster.namespace,
        pod=cluster.pod(app)["metadata"]["name"],
        container="main",
        lines=("exec /app: exec format error",),
    )
    assert len(asked(cluster, (), [log]).wanted) == 1


class Registries:
    """``enrich.ports.ImageLookup`` with one answer for all, or a failure."""

    def __init__(self, answer: ImageAnswer | errors.KFixError) -> None:
        self.answer = answer
        self.asked: list[ImageQuestion] = []

    def allowed(self, running: Collection[str]) -> tuple[str, ...]:
        return tuple(sorted(running))

    async def answers(self, question: ImageQuestion) -> RegistryAnswers:
        self.asked.append(question)
        if isinstance(self.answer, errors.KFixError):
            raise self.answer
        found = (self.answer.model_copy(update={"reference": i.canonical}) for i in question.wanted)
        return RegistryAnswers(hosts=self.allowed(question.running), images=tuple(found))


class Reader(NoClusterReader):
    """A cluster of made-up objects."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    async def objects(self, namespace: str) -> Listing:
        return Listing(self.cluster.objects)


async def bundle_of(cluster: Cluster, registries: Registries) -> ContextBundle:
    sources = Sources(
        NoObservability(),
        {"east-1": ClusterSources(Reader(cluster), NoRepository())},
        NoMemory(),
        images=registries,
    )
    labels = {"kube_namespace": cluster.namespace, "kube_cluster_name": OURS.names}
    return await gather(raw(labels=labels), sources, Rules(fleet=OURS), 5.0)


def state(bundle: ContextBundle) -> tuple[str, str]:
    found = [(s.state, s.why) for s in bundle.sources if s.name == "registry"]
    return found[0] if found else ("", "")


async def test_what_registries_say_is_in_the_bundle() -> None:
    cluster, app = shop()
    pulling(cluster, app, "not found")
    bundle = await bundle_of(cluster, Registries(ImageAnswer(reference="", exists="no")))
    image = cluster.container(app)["image"]
    assert bundle.registry.of(image).exists == "no"
    assert state(bundle) == ("ok", "")


async def test_where_all_images_come_no_registry_is_asked_and_none_is_missing() -> None:
    cluster, _ = shop()
    registries = Registries(errors.Unavailable("down"))
    bundle = await bundle_of(cluster, registries)
    assert (registries.asked, state(bundle)) == ([], ("", ""))
    assert bundle.registry == RegistryAnswers(hosts=("registry.example",))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (ImageAnswer(reference="", why="unanswered", detail="HTTP 503"), ("degraded", "")),
        (errors.Unavailable("down"), ("missing", "unanswered")),
        (errors.Rejected("no"), ("missing", "refused")),
    ],
)
async def test_a_registry_that_says_nothing_is_named(
    answer: ImageAnswer | errors.KFixError, told: tuple[str, str]
) -> None:
    cluster, app = shop()
    pulling(cluster, app, "not found")
    assert state(await bundle_of(cluster, Registries(answer))) == told


def test_a_case_may_hold_what_was_answered(tmp_path: Path) -> None:
    said = RegistryAnswers(images=(ImageAnswer(reference="r/web:1", exists="yes"),))
    (tmp_path / "registry.json").write_text(said.model_dump_json(), "utf-8")
    assert read_capture(None, None, tmp_path).registry == said
    (tmp_path / "registry.json").write_text(json.dumps({"images": [{"exists": "maybe"}]}), "utf-8")
    broken = read_capture(None, None, tmp_path)
    assert broken.registry == RegistryAnswers()
    assert "registry.json" in broken.troubles
