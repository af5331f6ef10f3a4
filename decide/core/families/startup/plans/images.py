"""Plans for images that do not come: another reference that is known to exist, the secret that opens the registry.

What registries say of the references is judged with all other plans (``decide.core.drafting.images``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from decide.core.drafting.drafts import (
    OLDER_IMAGE,
    RESTART,
    PlanDraft,
    container_path,
    patch_workload,
)
from decide.core.drafting.images import answer_about
from decide.core.drafting.revisions import before as revision_before
from decide.core.drafting.revisions import image_of
from decide.core.families.startup.facts import UnusableImage
from decide.core.families.startup.plans.known_images import committed, elsewhere
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.incident.images import fit, parse, platforms_of, retagged
from kfix.incident.images.planned import images_in
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import items, mapping
from manifests.objects.workloads import Workload
from schemas.plans import KubernetesChange

#: So many containers of the namespace must share a registry, or a folder and tag, before it is taken for the right one.
_REGISTRY_VOTES, _TAG_VOTES = 2, 3
#: A tag that merely looks like the wanted one: below everything that something speaks for.
_LIKE = 0.45
_ARCHITECTURE = ":nodeSelector['kubernetes.io/arch']"


def image(finding: Finding[UnusableImage], view: ClusterView) -> list[PlanDraft]:
    """The image that ran before: from history, or what siblings use."""
    facts, class_id = finding.facts, finding.failure_class
    unreachable = class_id == "image_registry_unreachable"
    drafts = [] if facts.right else [*_before(facts, view), *committed(facts, view)]
    if unreachable:
        drafts += _registry(facts, view)
    if class_id == "image_platform_mismatch":
        drafts += _fitting_nodes(facts, view)
    if facts.arrived or facts.right:
        return drafts
    found = [*drafts, *_siblings(facts, view), *elsewhere(facts, view), *_nearest(facts, view)]
    return [_of_well_pods(draft, facts, view) for draft in found] if facts.well else found


#: What another image is worth that takes the place of one which runs and is well.
_OF_WELL = 0.6


def _of_well_pods(draft: PlanDraft, facts: UnusableImage, view: ClusterView) -> PlanDraft:
    """It exchanges the image of pods that are well: it says so, and where nobody knows its own image there, people are asked."""
    known = all(answer_about(view, one).exists == "yes" for one in images_in(draft.changes))
    risk = say("startup.image.of_well_pods", n=facts.well, image=facts.image)
    return replace(
        draft,
        weight=draft.weight * _OF_WELL,
        risks=[risk, *draft.risks],
        guess=draft.guess or not known,
    )


def _before(facts: UnusableImage, view: ClusterView) -> Iterator[PlanDraft]:
    """The image of the last good revision."""
    good = revision_before(view, facts.workload)
    if good is None:
        return
    before = image_of(good, facts.container)
    if not before or before == facts.image:
        return
    why = say(
        "startup.image.ran_here_before" if facts.arrived else "startup.image.ran_before",
        image=facts.image,
        before=before,
        revision=good.number,
    )
    yield PlanDraft(
        fix_kind="set_image",
        title=say("startup.image.before_title", before=before),
        why=why,
        changes=_with(facts, view, before),
        weight=0.93,
        risks=[OLDER_IMAGE],
    )


def _registry(facts: UnusableImage, view: ClusterView) -> Iterator[PlanDraft]:
    """The same image from the siblings' registry."""
    elsewhere = _sibling_registry(view, facts.workload, facts.image)
    if elsewhere:
        host = elsewhere.partition("/")[0]
        yield PlanDraft(
            fix_kind="set_image",
            title=say("startup.image.title", image=elsewhere),
            why=say("startup.image.other_registry", image=facts.image, host=host),
            changes=_with(facts, view, elsewhere),
            weight=0.74,
            risks=[RESTART],
        )


def _siblings(facts: UnusableImage, view: ClusterView) -> Iterator[PlanDraft]:
    """The same image in the folder and with the tag that most siblings have."""
    for candidate, count in _sibling_images(view, facts.workload, facts.image):
        folder = candidate.rpartition(":")[0].rpartition("/")[0]
        yield PlanDraft(
            fix_kind="set_image",
            title=say("startup.image.title", image=candidate),
            why=say("startup.image.siblings", image=facts.image, count=count, folder=folder),
            changes=_with(facts, view, candidate),
            weight=0.75,
            risks=[RESTART],
        )


def _nearest(facts: UnusableImage, view: ClusterView) -> Iterator[PlanDraft]:
    """The existing tag of the same repository that looks most like the one that is not there: for people to choose."""
    wanted = parse(facts.image)
    near = view.bundle.registry.near.get(wanted.canonical, ()) if wanted is not None else ()
    found = parse(near[0]) if near else None
    if found is not None and found.tag:
        image = retagged(facts.image, found.tag)
        yield PlanDraft(
            fix_kind="set_image",
            title=say("startup.image.title", image=image),
            why=say("startup.image.near", image=facts.image, near=image),
            changes=_with(facts, view, image),
            weight=_LIKE,
            risks=[say("startup.image.near_risk"), RESTART],
            guess=True,
        )


def _fitting_nodes(facts: UnusableImage, view: ClusterView) -> Iterator[PlanDraft]:
    """Only the nodes that the image is built for, where the registry says which and there are some."""
    built = answer_about(view, facts.image).platforms
    here = platforms_of(view.all("nodes"), facts.workload.spec)
    fitting = {one for one in here if fit(built, frozenset({one})) == "all"}
    if fit(built, here) != "some" or len(fitting) != 1:
        return
    architecture = next(iter(fitting)).partition("/")[2]
    yield PlanDraft(
        fix_kind="set_scheduling",
        title=say("startup.platform.title", workload=facts.workload.name, platform=architecture),
        why=say("startup.platform.why", image=facts.image, platforms=built[:4]),
        changes=patch_workload(view, facts.workload, [(_ARCHITECTURE, architecture)]),
        weight=0.8,
        risks=[RESTART],
    )


def _with(facts: UnusableImage, view: ClusterView, image: str) -> list[KubernetesChange]:
    path = container_path(facts.workload, facts.container, "image")
    return patch_workload(view, facts.workload, [(path, image)])


def _images(view: ClusterView, workload: Workload) -> Iterator[str]:
    """Images of the namespace's other workloads that run."""
    for other in view.workloads:
        same = other.ref.key == workload.ref.key or other.namespace != workload.namespace
        if other.ready and not same:
            yield from (str(c.spec.get("image") or "") for c in other.containers())


def _is_host(name: str) -> bool:
    return "." in name or ":" in name


def _sibling_registry(view: ClusterView, workload: Workload, bad: str) -> str:
    """The same image from the registry host that all siblings are pulled from; empty when they disagree."""
    host, named, rest = bad.partition("/")
    hosts = Counter(
        place
        for place, slash, _ in (name.partition("/") for name in _images(view, workload))
        if slash and _is_host(place)
    )
    if (
        not named
        or not _is_host(host)
        or len(hosts) != 1
        or host in hosts
        or hosts.total() < _REGISTRY_VOTES
    ):
        return ""
    return f"{next(iter(hosts))}/{rest}"


def _sibling_images(view: ClusterView, workload: Workload, bad: str) -> list[tuple[str, int]]:
    """The same image name with the registry path or the tag that most siblings share, and how many do."""
    stem, _, tag = bad.partition("@")[0].rpartition(":")
    if not stem or "/" in tag:
        stem, tag = bad, "latest"
    folder, _, name = stem.rpartition("/")
    votes: Counter[tuple[str, str]] = Counter()
    for text in _images(view, workload):
        path, _, label = text.partition("@")[0].rpartition(":")
        votes[path.rpartition("/")[0], label] += 1  # a port before no tag leaves no folder either
    best = [key for key, count in votes.most_common() if count >= _TAG_VOTES and key[0]]
    return [
        (candidate, votes[path, label])
        for path, label in best[:1]
        if alike(folder.split("/")[-1], path.split("/")[-1]) > 0.8
        and (candidate := f"{path}/{name}:{label}") != bad
    ]


def pull_secret(finding: Finding[UnusableImage], view: ClusterView) -> list[PlanDraft]:
    """A pull secret that exists in the namespace."""
    workload = finding.facts.workload
    named = [str(mapping(s).get("name")) for s in items(workload.spec.get("imagePullSecrets"))]
    have = [
        name_of(s)
        for s in view.all("secrets")
        if namespace_of(s) == workload.namespace
        and s.get("type") in ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
    ]
    drafts = [
        PlanDraft(
            fix_kind="set_image_pull_secret",
            title=say("startup.secret.title", secret=name),
            why=(
                say("startup.secret.why", secret=name, named=named)
                if named
                else say("startup.secret.why_none", secret=name)
            ),
            changes=patch_workload(view, workload, [(":imagePullSecrets", [{"name": name}])]),
            weight=0.8 if len(have) == 1 else 0.6,
            risks=[RESTART],
        )
        for name in have
        if name not in named
    ]
    return drafts[:2] + image(finding, view)
