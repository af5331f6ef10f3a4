"""Which images registries are asked about for an alert: those that do not come, and what might stand in for them. Pure.

Names come from the cluster's objects and from commits of the deployment repository; they choose no address: what may be
asked is decided by the settings and by what runs (``running``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from enrich.core.objects import ObjectIndex
from kfix.incident.images import ImageReference, parse, renamed, retagged
from kfix.incident.images.waiting import NOT_FOR_HERE, running, troubled
from manifests.objects.kinds import WORKLOADS
from manifests.objects.meta import namespace_of
from manifests.objects.pods import containers_in, pod_spec
from manifests.objects.shapes import Obj, mapping
from schemas.base import Json
from schemas.context import Change, LogExcerpt

#: Pods with an image that does not come that are looked at; replicas of one workload all say the same.
_PODS = 50
#: Folders, and tags, of images that run which a wanted image is tried with: the most common ones.
_COMMON = 2
_LAST_LINES = 20
_TAKEN_AWAY = re.compile(
    r"^-[ \t]*(?:-[ \t]*)?(?P<key>image|tag|newTag):[ \t]*[\"']?(?P<value>[^\s\"'#]{1,255})", re.M
)


@dataclass(frozen=True, slots=True)
class ImageQuestion:
    """What is to be found out about images."""

    #: Registries of images that run in the cluster.
    running: frozenset[str]
    #: Images that do not come, or cannot run.
    wanted: tuple[ImageReference, ...]
    #: What might stand in for them, the likeliest first.
    relatives: tuple[ImageReference, ...]


def question(
    objects: Mapping[str, list[Json]],
    namespace: str,
    commits: Iterable[Change] = (),
    logs: Iterable[LogExcerpt] = (),
) -> ImageQuestion:
    """The question; it wants nothing where all images come. ``namespace``: where the trouble is, empty for anywhere."""
    pods = [p for p in objects.get("pods", ()) if isinstance(p, Mapping)]
    near = [p for p in pods if not namespace or namespace_of(p) == namespace]
    beside = list(dict.fromkeys(image for pod in pods for image in running(pod)))
    hosts = frozenset(one.host for one in _read(beside))
    missing = _missing(near, logs)
    wanted = _read(image for _, _, image in missing)
    if not wanted:
        return ImageQuestion(hosts, (), ())
    texts = list(dict.fromkeys(image for _, _, image in missing))
    relatives = _read(
        (
            *_revisions(objects, missing),
            *_committed(texts, commits),
            *_namesakes(objects, wanted, beside),
            *_cousins(texts, [image for pod in near for image in running(pod)]),
        )
    )
    return ImageQuestion(hosts, wanted, tuple(r for r in relatives if r not in wanted))


def _missing(pods: Iterable[Obj], logs: Iterable[LogExcerpt]) -> list[tuple[Obj, str, str]]:
    """Pods with the name and the image of a container that lacks it."""
    misfits = {(one.namespace, one.pod, one.container) for one in logs if _misfit(one)}
    found = ((pod, name, image) for pod in pods for name, image in troubled(pod, misfits))
    return list(islice(found, _PODS))


def _misfit(log: LogExcerpt) -> bool:
    """Its program is built for another processor: the last lines say so."""
    return any(NOT_FOR_HERE in line for line in log.lines[-_LAST_LINES:])


def _read(texts: Iterable[str]) -> tuple[ImageReference, ...]:
    """The references among the texts, each once."""
    return tuple(dict.fromkeys(found for text in texts if (found := parse(text)) is not None))


def _specs(objects: Mapping[str, list[Json]]) -> Iterator[tuple[Obj, Obj]]:
    """Objects with a pod template, and its pod spec."""
    for plural, kind in WORKLOADS.items():
        for item in objects.get(plural, ()):
            yield item, pod_spec(item, kind)
    for item in objects.get("controllerrevisions", ()):
        yield item, mapping(item, "data", "spec", "template", "spec")


def _revisions(
    objects: Mapping[str, list[Json]], missing: Iterable[tuple[Obj, str, str]]
) -> Iterator[str]:
    """What the same containers had in other revisions of the same workloads."""
    index = ObjectIndex(objects)
    named = {(_top(index, pod), container) for pod, container, _ in missing}
    for item, spec in _specs(objects):
        for container in containers_in(spec):
            if (_top(index, item), container.get("name")) in named:
                yield str(container.get("image") or "")


def _top(index: ObjectIndex, item: Obj) -> tuple[str, str, str]:
    top = index.top_controller(item)
    return top.kind, top.namespace, top.name


def _committed(wanted: Iterable[str], commits: Iterable[Change]) -> Iterator[str]:
    """Images and tags that commits took away."""
    found = [
        (match["key"], match["value"])
        for commit in commits
        if isinstance(diff := mapping(commit.detail).get("diff"), str)
        for match in _TAKEN_AWAY.finditer(diff)
    ]
    for image in wanted:
        for key, value in found:
            yield value if key == "image" else retagged(image, value)


def _namesakes(
    objects: Mapping[str, list[Json]], wanted: Iterable[ImageReference], running: Iterable[str]
) -> Iterator[str]:
    """Images of the same name that anything else has: siblings, other namespaces."""
    names = {one.last_name for one in wanted}
    declared = (
        str(c.get("image") or "") for _, spec in _specs(objects) for c in containers_in(spec)
    )
    for text in dict.fromkeys((*running, *declared)):
        found = parse(text)
        if found is not None and found.last_name in names:
            yield text


def _cousins(wanted: Iterable[str], running: Iterable[str]) -> Iterator[str]:
    """The wanted names in the folders, and with the tags, that images beside them have."""
    parts = [image.partition("@")[0].rpartition(":") for image in running]
    folders = Counter(stem.rpartition("/")[0] for stem, colon, _ in parts if colon)
    tags = Counter(tag for _, colon, tag in parts if colon)
    for image in wanted:
        for folder, _ in folders.most_common(_COMMON):
            moved = renamed(image, folder)
            yield moved
            yield from (retagged(moved, tag) for tag, _ in tags.most_common(_COMMON))
