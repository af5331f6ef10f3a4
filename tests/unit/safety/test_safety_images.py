"""Right before a plan goes on, its images are asked for once more; only where that can be asked at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kfix.incident.cluster_names import Fleet, Own
from safety.adapters.schemas import PublishedSchemas
from safety.core import Policy
from safety.core.images import by_name, image_exists, named_in
from safety.ports import SafetyPorts
from safety.service.validation import Examined, examination, examine_offline
from schemas import errors
from schemas.base import ObjectRef
from schemas.images import ImageAnswer, NoAnswer, RegistryAnswers
from schemas.plans import ActionPlan, CandidatePlans, FieldChange, KubernetesChange
from schemas.validated import CheckResult
from tests.support import publish as sample

IMAGE = "r.example/web:1"
WEB = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="web")


def plan(after: object = IMAGE, **more: Any) -> ActionPlan:
    path = "spec.template.spec.containers[name=main].image"
    field = FieldChange(path=path, before="r.example/web:2", after=after)
    return ActionPlan(
        plan_id=more.pop("plan_id", "plan-1"),
        title="t",
        fix_kind="set_image",
        confidence=0.9,
        justification="j",
        kubernetes_changes=(KubernetesChange(object=WEB, fields=(field,)),),
        **more,
    )


def objects(architecture: str = "amd64") -> dict[str, list[Any]]:
    labels = {"kubernetes.io/os": "linux", "kubernetes.io/arch": architecture}
    container = {"name": "main", "image": "r.example/web:2"}
    web = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    return {"nodes": [{"metadata": {"labels": labels}}], "deployments": [web]}


def verdict(answer: ImageAnswer | None, **more: Any) -> CheckResult | None:
    told = by_name((IMAGE,), [answer] if answer else [])
    return image_exists(plan(), told, objects(**more))


def answer(**told: Any) -> ImageAnswer:
    return ImageAnswer(reference=IMAGE, **told)


def test_an_image_that_is_there_for_the_nodes_passes_with_its_platforms() -> None:
    found = verdict(answer(exists="yes", platforms=("linux/amd64",)))
    assert found is not None
    assert (found.verdict, found.numbers) == ("pass", {IMAGE: "there linux/amd64"})


@pytest.mark.parametrize(
    "told", [answer(exists="no"), answer(exists="yes", platforms=("linux/arm64",))]
)
def test_an_image_that_is_not_there_or_for_no_node_fails(told: ImageAnswer) -> None:
    found = verdict(told)
    assert found is not None
    assert found.verdict == "fail"


@pytest.mark.parametrize(
    ("why", "known", "expected"),
    [
        ("rate_limited", False, "unknown"),
        ("unanswered", False, "unknown"),
        ("unreadable", False, "unknown"),
        ("denied", True, "unknown"),
        ("hidden", True, "unknown"),
        ("denied", False, None),
        ("hidden", False, None),
        ("not_asked", False, None),
    ],
)
def test_a_registry_that_could_answer_and_did_not_leaves_it_unknown(
    why: NoAnswer, known: bool, expected: str | None
) -> None:
    found = verdict(answer(why=why, known_there=known))
    assert (found.verdict if found else None) == expected


def test_a_plan_that_names_no_image_is_not_asked_about() -> None:
    assert named_in(plan(after=None)) == ()
    assert image_exists(plan(after=None), {}, objects()) is None
    assert verdict(None) is None


class Registries:
    """``safety.ports.ImagePresence`` with one answer for all, or a failure; ``asked``: about what."""

    def __init__(self, told: ImageAnswer | errors.KFixError) -> None:
        self.told = told
        self.asked: list[tuple[str, ...]] = []

    async def images(
        self, references: Sequence[str], before: RegistryAnswers
    ) -> Sequence[ImageAnswer]:
        self.asked.append(tuple(references))
        if isinstance(self.told, errors.KFixError):
            raise self.told
        return [self.told]


def proposed(*plans: ActionPlan, **registry: Any) -> CandidatePlans:
    record = sample.record()
    context = record.context.model_copy(
        update={"objects": objects(), "registry": RegistryAnswers(**registry)}
    )
    return CandidatePlans(
        event_id="dec-1",
        occurred_at=record.occurred_at,
        incident_id="inc-1",
        fingerprint="fp-1",
        status="solution_proposed",
        context=context,
        analysis=record.analysis,
        plans=plans or (plan(),),
    )


async def examined(registries: Registries | None) -> tuple[Examined, CheckResult | None]:
    ports = SafetyPorts(
        None,
        None,
        PublishedSchemas(""),
        Policy(),
        5.0,
        fleet=Fleet.of(Own("eu-1")),
        images=registries,
    )
    found = await examination(proposed(), ports)
    checks = {check.name: check for check in found.plans.plans[0].checks}
    return found, checks.get("image_exists")


async def test_the_registry_is_asked_about_the_images_of_the_plan() -> None:
    registries = Registries(answer(exists="no"))
    found, check = await examined(registries)
    assert registries.asked == [(IMAGE,)]
    assert check is not None
    assert check.verdict == "fail"
    assert "image_exists" in found.plans.plans[0].rejected_by
    assert found.unanswered == ()


@pytest.mark.parametrize("told", [answer(why="unanswered", detail="503"), errors.TimedOut("slow")])
async def test_a_silent_registry_is_asked_again_later(
    told: ImageAnswer | errors.KFixError,
) -> None:
    found, check = await examined(Registries(told))
    assert check is not None
    assert check.verdict == "unknown"
    assert any(one.startswith("registry: ") for one in found.unanswered)


async def test_without_a_registry_there_is_no_such_check() -> None:
    found, check = await examined(None)
    assert check is None
    assert "image_exists" not in found.plans.plans[0].rejected_by


def test_a_case_is_judged_by_the_answers_that_it_holds() -> None:
    record = proposed(images=(answer(exists="no"),))
    found = examine_offline(record, None, Policy(), PublishedSchemas(""))
    assert found.plans[0].rejected_by == ("image_exists",)


def test_a_guess_is_never_recommended_even_when_it_alone_passes() -> None:
    guess = plan("r.example/web:1.1", plan_id="plan-2", guess=True)
    there = ImageAnswer(reference="r.example/web:1.1", exists="yes")
    record = proposed(plan(), guess, images=(answer(exists="no"), there))
    found = examine_offline(record, None, Policy(), PublishedSchemas(""))
    assert [one.accepted for one in found.plans] == [False, True]
    assert (found.recommended, found.status) == ("", "needs_human")
    assert IMAGE in found.explanation
