"""Why nothing here makes an object, said so that a person knows what to look at: an overlay that cannot be built here, another
name, another kind. Asked only where the search found nothing. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from kfix.texts import say
from manifests.objects.shapes import text
from manifests.refused import EditRefused
from manifests.render import locality
from manifests.repository import kustomize, spaces
from manifests.repository.declared import declared_objects
from manifests.repository.environments import speaks
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph, Kustomization
from manifests.repository.locate import Hints
from manifests.repository.rendering import NotRendered
from schemas.base import ObjectRef
from schemas.text import text_of

#: Refusals that say no more than that nothing was found.
_BARE = (
    "manifests.no_file_declares",
    "manifests.no_chart_here_makes",
    "manifests.no_release_here_makes",
    "manifests.releases_charts_kept_elsewhere_fit",
)
#: Overlays and documents that are looked at.
_OVERLAYS, _DOCUMENTS = 300, 3000
_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Rollout", "CronJob", "Job")


def explained(
    index: RepositoryIndex, ref: ObjectRef, hints: Hints, refused: EditRefused
) -> EditRefused:
    """The refusal, with what stands in the way where that can be told; as it is where it says that already."""
    said = text_of(refused.reason)
    if refused.code != "NOT_FOUND" or said is None or said.id not in _BARE:
        return refused
    graph = kustomize.read_graph(index)
    unbuilt = next(_unbuilt(index, graph, ref, hints), None)
    if unbuilt is not None:
        return EditRefused("NOT_RENDERED", unbuilt)
    near = next(_named_nearly(index, ref), "")
    return EditRefused("NOT_FOUND", near) if near else refused


def _unbuilt(index: RepositoryIndex, graph: Graph, ref: ObjectRef, hints: Hints) -> Iterator[str]:
    """Overlays of the environment and namespace that build from elsewhere, where their text has to do with the object."""
    for root in islice(graph.by_folder.values(), _OVERLAYS):
        if root.component or graph.users_of(root.folder):
            continue
        chain = graph.below(root)
        if not spaces.may_be_in(graph, root, ref.namespace):
            continue
        if speaks([root.folder], hints.environment, ref.name) == "no":
            continue
        why = _why(index, root, chain)
        if why and any(_is_about(index, k, ref) for k in chain):
            yield say(
                "manifests.missing_unbuilt",
                object=ref.key, folder=root.folder or ".", why=why, file=root.path,
            )  # fmt: skip


def _why(index: RepositoryIndex, root: Kustomization, chain: list[Kustomization]) -> str:
    broken = next((k for k in chain if k.trouble), None)
    if broken is not None:
        return broken.trouble
    try:
        locality.check(index.files, root.folder, index.readings)
    except NotRendered as failure:
        return str(failure)
    return ""


def _is_about(index: RepositoryIndex, one: Kustomization, ref: ObjectRef) -> bool:
    """Does a word of the kustomization file stand in the object's name, or its folder's name?"""
    name = one.folder.rpartition("/")[2]
    if len(name) > 2 and name in ref.name:
        return True
    words = set(re.findall(r"[a-z0-9][a-z0-9-]{2,}", index.texts.get(one.path, "").lower()))
    parts = ref.name.split("-")
    starts = {"-".join(parts[:n]) for n in range(1, len(parts) + 1)}
    ends = {"-".join(parts[n:]) for n in range(len(parts))}
    return bool(words & {word for word in starts | ends if len(word) > 2})


def _named_nearly(index: RepositoryIndex, ref: ObjectRef) -> Iterator[str]:
    """The same name in another kind of workload, or a name that a prefix or a suffix would make this one."""
    for kind in _KINDS if ref.kind in _KINDS else ():
        found, _ = index.sightings(kind, ref.name)
        if kind != ref.kind and found:
            place = _place(found[0].path, found[0].document.root.start_mark.line)
            yield say(
                "manifests.missing_kind", object=ref.key, place=place, kind=kind, name=ref.name
            )
    for path, item in islice(declared_objects(index, ref.kind.lower()), _DOCUMENTS):
        name = text(item, "metadata", "name")
        longer, shorter = max(ref.name, name, key=len), min(ref.name, name, key=len)
        if shorter and shorter != longer and re.search(rf"(^|-){re.escape(shorter)}($|-)", longer):
            found, _ = index.sightings(ref.kind, name)
            line = found[0].document.root.start_mark.line if found else 0
            place = _place(found[0].path if found else path, line)
            yield say(
                "manifests.missing_renamed", object=ref.key, place=place, kind=ref.kind, name=name
            )


def _place(path: str, line: int) -> str:
    return f"{path}:{line + 1}"
