"""No image is proposed that its registry does not have for the nodes; what nobody said is told; a guess never leads."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from decide.core.planning import led
from schemas.images import ImageAnswer, NoAnswer, RegistryAnswers
from schemas.plans import ActionPlan
from schemas.text import Text
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster
from tests.support.decide.faults_images import gone, nodes_of, pulling, released, there, told


def shop() -> tuple[Cluster, str]:
    cluster = Cluster(11)
    for _ in range(3):
        cluster.app()
    return cluster, cluster.app()


def answered(fault: str) -> tuple[Verdict, Cluster, str]:
    cluster, app = shop()
    FAULTS[fault](cluster, app)
    return diagnose(cluster.bundle(app)), cluster, app


def images_of(verdict: Verdict) -> list[str]:
    """The tags that the plans set, in their order."""
    return [
        str(field.after).rpartition(":")[2]
        for plan in verdict.plans
        for change in plan.kubernetes_changes
        for field in change.fields
        if field.path.endswith(".image")
    ]


def risks_of(plan: ActionPlan) -> list[str]:
    return [text.id for text in plan.risks_text if isinstance(text, Text)]


def test_the_image_before_is_proposed_where_its_registry_has_it() -> None:
    verdict, _, _ = answered("image_not_found/the registry has the one before")
    assert verdict.status == "solution_proposed"
    assert images_of(verdict) == ["1.0"]
    assert not any(name.startswith("drafting.image") for name in risks_of(verdict.plans[0]))
    assert verdict.analysis is not None
    assert "registry" in {one.source for one in verdict.analysis.evidence}


def test_no_image_is_proposed_that_is_not_there_and_a_like_tag_alone_is_no_plan() -> None:
    verdict, _, _ = answered("image_not_found/the registry has neither it nor the one before")
    assert (verdict.status, verdict.plans) == ("needs_human", ())


def test_no_image_is_proposed_that_no_node_can_run() -> None:
    verdict, _, _ = answered("image_not_found/the one before is for other nodes")
    assert verdict.plans == ()


def test_the_nearest_tag_stands_beside_a_better_plan_and_never_first() -> None:
    cluster, app = shop()
    before, now = released(cluster, app)
    like = now.replace(":1.1", ":1.1.1")
    told(cluster, there(before), gone(now), there(like), near={now: (like,)})
    pulling(cluster, app, "not found")
    verdict = diagnose(cluster.bundle(app))
    assert images_of(verdict) == ["1.0", "1.1.1"]
    assert [plan.guess for plan in verdict.plans] == [False, True]
    assert verdict.plans[0].confidence > verdict.plans[1].confidence
    assert led(verdict.plans[1:]) == ()


@pytest.mark.parametrize(
    "why", ["denied", "hidden", "rate_limited", "unanswered", "unreadable", "not_asked"]
)
def test_what_nobody_said_of_an_image_is_told_and_ranks_lower_where_somebody_was_asked(
    why: NoAnswer,
) -> None:
    cluster, app = shop()
    before, now = released(cluster, app)
    pulling(cluster, app, "not found")
    told(cluster, gone(now), there(before))
    sure = diagnose(cluster.bundle(app)).plans[0]
    cluster.registry = RegistryAnswers()
    told(cluster, gone(now), ImageAnswer(reference=before, why=why))
    unsure = diagnose(cluster.bundle(app)).plans[0]
    assert f"drafting.image.{why}" in risks_of(unsure)
    assert (unsure.confidence < sure.confidence) is (why != "not_asked")


def test_an_image_for_some_of_the_nodes_says_so() -> None:
    cluster, app = shop()
    before, now = released(cluster, app)
    nodes_of(cluster, "amd64", "arm64")
    told(cluster, gone(now), there(before, "linux/amd64"))
    pulling(cluster, app, "not found")
    assert "drafting.image.some_nodes" in risks_of(diagnose(cluster.bundle(app)).plans[0])


def test_going_back_for_another_reason_asks_for_the_image_too() -> None:
    cluster, app = shop()
    before, _ = released(cluster, app)
    cluster.crashed(app, 1, "panic: nil map", "goroutine 1 [running]")
    assert "1.0" in images_of(diagnose(cluster.bundle(app)))
    told(cluster, gone(before))
    assert "1.0" not in images_of(diagnose(cluster.bundle(app)))


@pytest.mark.parametrize(
    "fault",
    [
        "image_not_reached/pushed after the pull",
        "image_not_reached/a mirror lacks it",
        "image_not_reached/the node's own way to it is shut",
        "image_pull_limited/of a new release",
        "image_registry_unreachable/for the one before too",
    ],
)
def test_an_image_that_is_right_is_not_exchanged(fault: str) -> None:
    verdict, _, _ = answered(fault)
    assert (verdict.status, verdict.plans) == ("needs_human", ())


def test_a_mirror_that_answers_for_the_registry_is_named() -> None:
    verdict, _, _ = answered("image_not_reached/a mirror lacks it")
    assert verdict.analysis is not None
    said = [e.statement for e in verdict.analysis.evidence]
    assert any("mirror.corp.example" in one and "registry.example" in one for one in said)
    plain, _, _ = answered("image_not_reached/pushed after the pull")
    assert plain.analysis is not None
    assert not any("answered the node" in e.statement for e in plain.analysis.evidence)


def test_people_get_the_commands_that_ask_the_registry() -> None:
    from decide.core.next_steps import next_steps

    verdict, cluster, app = answered(
        "image_not_found/the registry has neither it nor the one before"
    )
    image = cluster.container(app)["image"]
    commands = [step.command for step in next_steps(cluster.bundle(app), verdict)]
    assert f"docker manifest inspect {image}" in commands
    assert f"skopeo list-tags docker://{image.rpartition(':')[0]}" in commands
