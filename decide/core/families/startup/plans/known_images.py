"""References of an image that are known: of an earlier commit, of other workloads, of another environment's files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from decide.core.drafting.drafts import (
    OLDER_IMAGE,
    RESTART,
    PlanDraft,
    container_path,
    patch_workload,
    source_of,
)
from decide.core.families.startup.facts import UnusableImage
from decide.core.view import ClusterView
from decide.core.written import earlier, of_settings
from kfix.texts import say
from manifests.objects.kinds import plural_of
from manifests.objects.pods import SORTS, declared, template_of
from manifests.objects.shapes import Obj, mapping
from manifests.objects.workloads import Workload

#: A reference as registries take it (distribution/reference), with a tag or a digest.
_REFERENCE = re.compile(
    r"[a-z0-9][a-zA-Z0-9._:/-]{0,200}(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|@sha256:[0-9a-f]{64})"
)
#: Keys of files of values under which a tag stands: of charts and of kustomize.
_TAGS = ("tag", "newTag")
#: Kinds that say how many of their pods are ready.
_SERVING = ("Deployment", "StatefulSet", "DaemonSet")


def committed(facts: UnusableImage, view: ClusterView) -> Iterator[PlanDraft]:
    """The reference that a commit replaced by the one that does not come."""
    workload, path = facts.workload, container_path(facts.workload, facts.container, "image")
    full = path.replace(":", f"{workload.template_path}.", 1)
    obj = source_of(view, workload.ref, workload.obj)
    found = [
        (str(one.before), one.commit, one.file) for one in earlier(view, workload.ref, obj, full)
    ]
    for before, commit, file in found or _by_tag(facts, view):
        if before != facts.image and _REFERENCE.fullmatch(before):
            yield PlanDraft(
                fix_kind="set_image",
                title=say("startup.image.before_title", before=before),
                why=say(
                    "startup.image.committed",
                    image=facts.image,
                    before=before,
                    commit=commit[:10],
                    file=file,
                ),
                changes=patch_workload(view, workload, [(path, before)]),
                weight=0.9,
                risks=[OLDER_IMAGE],
            )
            return


def _by_tag(facts: UnusableImage, view: ClusterView) -> list[tuple[str, str, str]]:
    """The same image with the tag that a commit took out of a file of values; nothing where two tell otherwise."""
    name, _, tag = facts.image.rpartition(":")
    found = {
        (f"{name}:{one.before}", one.commit, one.file)
        for one in of_settings(view)
        if tag and one.path[-1] in _TAGS and str(one.after) == tag and isinstance(one.before, str)
    }
    return list(found) if len({image for image, _, _ in found}) == 1 else []


def elsewhere(facts: UnusableImage, view: ClusterView) -> Iterator[PlanDraft]:
    """The same repository's tag that another workload runs with, else that another environment's files name."""
    name = _name(facts.image)
    for images, text, weight in (
        (_running(view, facts.workload), "startup.image.runs_elsewhere", 0.72),
        (_in_files(view, facts.workload), "startup.image.declared_elsewhere", 0.6),
    ):
        votes = Counter(
            (image, user)
            for image, user in images
            if name and _name(image) == name and image != facts.image
        )
        usable = {image for image, _ in votes if _REFERENCE.fullmatch(image)}
        if len(usable) == 1:
            image = usable.pop()
            user = min(user for found, user in votes if found == image)
            path = container_path(facts.workload, facts.container, "image")
            yield PlanDraft(
                fix_kind="set_image",
                title=say("startup.image.title", image=image),
                why=say(text, image=facts.image, other=image, user=user),
                changes=patch_workload(view, facts.workload, [(path, image)]),
                weight=weight,
                risks=[say("startup.image.another_version"), RESTART],
            )
            return


def _name(image: str) -> str:
    """The reference without tag and digest."""
    stem = image.partition("@")[0]
    head, _, tag = stem.rpartition(":")
    return head if head and "/" not in tag else stem


def _running(view: ClusterView, workload: Workload) -> Iterator[tuple[str, str]]:
    """Images of other workloads that are ready, in every namespace, with the workload's key."""
    for kind in _SERVING:
        for obj in view.all(plural_of(kind)):
            other = Workload(kind, obj)
            apart = (kind, other.namespace, other.name) != (
                workload.kind,
                workload.namespace,
                workload.name,
            )
            if apart and other.desired and other.ready >= other.desired:
                yield from _images_of(obj, kind, f"{kind}/{other.namespace}/{other.name}")


def _in_files(view: ClusterView, workload: Workload) -> Iterator[tuple[str, str]]:
    """Images that files declare for the workload's namesakes in other namespaces, with the file."""
    for entry in view.bundle.declared:
        obj = mapping(entry.object)
        other = Workload(str(obj.get("kind") or ""), obj)
        apart = other.namespace != workload.namespace and other.namespace
        if apart and (other.kind, other.name) == (workload.kind, workload.name):
            yield from _images_of(obj, other.kind, entry.path)


def _images_of(obj: Obj, kind: str, user: str) -> Iterator[tuple[str, str]]:
    for container in declared(mapping(template_of(obj, kind), "spec"), *SORTS):
        yield str(container.spec.get("image") or ""), user
