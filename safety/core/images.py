"""Are the images that a plan names in their registries, for the nodes that they will run on? Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kfix.incident.images import fit, parse, platforms_of
from kfix.incident.images.planned import images_in
from kfix.texts import say
from safety.core.checks import result
from safety.core.workloads import Unseen, changed, pod_spec
from schemas.base import Json
from schemas.images import ImageAnswer
from schemas.plans import ActionPlan
from schemas.validated import CheckResult

#: What a registry says to strangers is no refusal to K-Fix: nobody gave it a credential to be asked with.
_TO_STRANGERS = ("denied", "hidden")
_MOST = 6


def named_in(plan: ActionPlan) -> tuple[str, ...]:
    """The images that a plan sets."""
    return images_in(plan.kubernetes_changes)


def image_exists(
    plan: ActionPlan,
    answers: Mapping[str, ImageAnswer],
    objects: Mapping[str, Sequence[Json]],
) -> CheckResult | None:
    """The verdict; ``None`` where the plan names no image, or no registry of its images may be asked.

    ``answers``: by the image as the plan names it.
    """
    asked = {image: answers[image] for image in named_in(plan) if _asked(answers.get(image))}
    if not asked:
        return None
    numbers = {image: _shown(answer) for image, answer in asked.items()}
    for image, answer in asked.items():
        if answer.exists == "no":
            reason = say("safety.image.gone", image=image)
            return result("image_exists", "fail", reason, **numbers)
        nodes = _nodes(plan, objects)
        if fit(answer.platforms, nodes) == "none":
            built, here = answer.platforms[:_MOST], sorted(nodes)[:_MOST]
            reason = say("safety.image.misfit", image=image, platforms=built, nodes=here)
            return result("image_exists", "fail", reason, **numbers)
    for image, answer in asked.items():
        if answer.exists == "unknown":
            why = answer.detail or say(f"safety.image.{answer.why}")
            reason = say("safety.image.unknown", image=image, why=why)
            return result("image_exists", "unknown", reason, **numbers)
    return result("image_exists", "pass", say("safety.image.there", images=list(asked)), **numbers)


def _asked(answer: ImageAnswer | None) -> bool:
    if answer is None or answer.why == "not_asked":
        return False
    return answer.known_there or answer.why not in _TO_STRANGERS


def _shown(answer: ImageAnswer) -> str:
    told = ", ".join(answer.platforms[:_MOST]) or answer.digest[:19]
    return f"{say(f'safety.image.exists_{answer.exists}')} {told}".strip()


def _nodes(plan: ActionPlan, objects: Mapping[str, Sequence[Json]]) -> frozenset[str]:
    """Platforms of the nodes that the changed workload may run on; empty where they are not known."""
    try:
        after = [one.after for one in changed(plan, objects) if one.after is not None]
    except Unseen:
        after = []
    spec = next((found for one in after if (found := pod_spec(one))), {})
    return platforms_of(objects.get("nodes", ()), spec)


def by_name(images: Sequence[str], answers: Sequence[ImageAnswer]) -> dict[str, ImageAnswer]:
    """Answers by the image as it is written; without those that are no reference."""
    told = {answer.reference: answer for answer in answers}
    found = {image: parse(image) for image in images}
    return {
        image: told[one.canonical]
        for image, one in found.items()
        if one is not None and one.canonical in told
    }
