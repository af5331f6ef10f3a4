"""Drafts judged by what registries say of the images that they name. Pure.

An image that is not there, or is built for none of the nodes, is never proposed. Of one that nobody answered about people
are told so. What was asked before a plan is asked again by safety, right before it is published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from decide.core.drafting.drafts import Phrase, PlanDraft
from decide.core.view import ClusterView
from kfix.incident.images import Fit, fit, parse, platforms_of
from kfix.incident.images.planned import images_in
from kfix.texts import say
from schemas.images import ImageAnswer
from schemas.plans import KubernetesChange

#: What a draft is worth beside one whose image is known to be there.
_UNHEARD, _SOME_NODES = 0.9, 0.9


def judged(
    drafts: Iterable[PlanDraft], view: ClusterView
) -> tuple[list[PlanDraft], list[tuple[PlanDraft, str]]]:
    """The drafts that their images allow, with what is known of these in their risks; and the others, with why not."""
    kept: list[PlanDraft] = []
    refused: list[tuple[PlanDraft, str]] = []
    for draft in drafts:
        why = _against(draft, view)
        if why:
            refused.append((draft, why))
        else:
            kept.append(_weighed(draft, view))
    return kept, refused


def _against(draft: PlanDraft, view: ClusterView) -> str:
    """Why no image of the draft's may be proposed; empty where nothing speaks against them."""
    for image in images_in(draft.changes):
        answer = answer_about(view, image)
        if parse(image) is None:
            return say("drafting.image.no_reference", image=image)
        if answer.exists == "no":
            return say("drafting.image.gone", image=image)
        if fit_of(view, answer, draft.changes) == "none":
            return say("drafting.image.no_node", image=image, platforms=answer.platforms[:4])
    return ""


def answer_about(view: ClusterView, image: str) -> ImageAnswer:
    """What its registry says of an image as a container names it."""
    found = parse(image)
    return view.bundle.registry.of(found.canonical if found is not None else image)


def fit_of(view: ClusterView, answer: ImageAnswer, changes: Sequence[KubernetesChange]) -> Fit:
    """Whether the nodes that the changed workload may run on find their platform in an image."""
    found = (view.workload(c.object.kind, c.object.namespace, c.object.name) for c in changes)
    spec = next((workload.spec for workload in found if workload is not None), {})
    return fit(answer.platforms, platforms_of(view.all("nodes"), spec))


def _weighed(draft: PlanDraft, view: ClusterView) -> PlanDraft:
    weight, risks = draft.weight, list[Phrase]()
    for image in images_in(draft.changes):
        answer = answer_about(view, image)
        suits = fit_of(view, answer, draft.changes)
        if answer.exists == "unknown" and answer.why != "not_asked":
            weight *= _UNHEARD
        if suits == "some":
            weight *= _SOME_NODES
        risks += _told(image, answer, suits)
    return replace(draft, weight=weight, risks=[*draft.risks, *risks]) if risks else draft


def _told(image: str, answer: ImageAnswer, suits: Fit) -> Iterator[Phrase]:
    if answer.exists == "unknown":
        yield say(f"drafting.image.{answer.why}", image=image)
    if suits == "some":
        yield say("drafting.image.some_nodes", image=image, platforms=answer.platforms[:4])
