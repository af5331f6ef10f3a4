"""What keeps a container from starting: images that do not come, configuration that is not there, commands."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.drafting.images import answer_about
from decide.core.facts import Facts
from decide.core.families.parts import Cause, cause
from decide.core.families.startup.facts import (
    AbsentReference,
    UnmountedKey,
    UnrunnableCommand,
    UnusableImage,
)
from decide.core.families.startup.mounted import unmounted
from decide.core.findings import Finding
from decide.core.proof import asking
from decide.core.proof.asking import by_template, not_there, subject
from decide.core.proof.counterfactual import seen
from decide.core.proof.references import absent, references
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.incident.images import Fit, fit, platforms_of
from kfix.texts import say
from manifests.objects.shapes import items, mapping
from manifests.objects.workloads import Workload

#: What the kubelet calls an image that does not come.
_FAILED = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_LOGINS = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
#: Where a pod may run, by its own words.
_PLACES = ("nodeSelector", "affinity", "tolerations")


def image(finding: Finding[UnusableImage], view: ClusterView) -> Standing:
    """Whether the container's image is one that was seen to come, and to run there, or that its registry has."""
    facts, workload = finding.facts, subject(finding, view)
    container = asking.container(workload, facts.container) if workload is not None else None
    if workload is None or container is None:
        return not_there(finding)
    now = str(container.spec.get("image") or "")
    if now == facts.image:
        return _same(finding, view, workload, now)
    if now in _refused(seen(view)):
        return stands(say("proof.image.refused", image=now))
    return _another(facts, view, workload, now)


def _same(
    finding: Finding[UnusableImage], view: ClusterView, workload: Workload, now: str
) -> Standing:
    """The image that did not come, or could not run: on other nodes, or as it was."""
    elsewhere = any(workload.spec.get(k) != finding.facts.workload.spec.get(k) for k in _PLACES)
    if not elsewhere or finding.failure_class != "image_platform_mismatch":
        return stands(say("proof.image.same", image=now))
    if _fit(view, workload, now) == "all":
        return gone(say("proof.image.there", image=now))
    return untold(say("proof.image.elsewhere", image=now))


def _another(facts: UnusableImage, view: ClusterView, workload: Workload, now: str) -> Standing:
    """Another image than the one that did not come: seen, or known to its registry."""
    for revision in asking.worked(view, workload):
        theirs = Workload("Pod", {"spec": revision.spec}).containers(init=True)
        if any(str(c.spec.get("image")) == now for c in theirs):
            return gone(say("proof.image.worked", image=now, revision=revision.number))
    runs = "" if facts.arrived else _runs(seen(view), now)
    if runs:
        return gone(say("proof.image.runs", image=now, pod=runs))
    if answer_about(view, now).exists == "yes" and _fit(view, workload, now) != "some":
        return gone(say("proof.image.there", image=now))
    return untold(say("proof.image.unseen", image=now))


def _fit(view: ClusterView, workload: Workload, image_: str) -> Fit:
    """Whether the nodes that the pods may run on find their platform in what the registry says of an image."""
    nodes = platforms_of(view.all("nodes"), workload.spec)
    return fit(answer_about(view, image_).platforms, nodes)


def _refused(view: ClusterView) -> frozenset[str]:
    """Images that do not come to some pod now."""

    def make() -> frozenset[str]:
        return frozenset(
            str(c.spec.get("image") or "")
            for w in view.workloads
            for p in w.pods
            for c in p.containers()
            if c.waiting.get("reason") in _FAILED
        )

    return view.memo("refused images", make)


def _runs(view: ClusterView, image_: str) -> str:
    """A pod in which a container of this image was started; empty without one."""

    def make() -> dict[str, str]:
        found: dict[str, str] = {}
        for workload in view.workloads:
            for pod in workload.pods:
                for c in pod.containers():
                    if c.status.get("imageID") and (c.ready or c.terminated or c.restarts):
                        found.setdefault(str(c.spec.get("image") or ""), pod.name)
        return found

    return view.memo("images that run", make).get(image_, "")


def pull_secret(finding: Finding[UnusableImage], view: ClusterView) -> Standing:
    """Whether the pods name a login that exists, and that opened this registry to others."""
    facts, workload = finding.facts, subject(finding, view)
    container = asking.container(workload, facts.container) if workload is not None else None
    if workload is None or container is None:
        return not_there(finding)
    if str(container.spec.get("image") or "") != facts.image:
        return image(finding, view)
    named = _logins(workload)
    if named == _logins(facts.workload):
        return stands(say("proof.image.same_login", image=facts.image, secrets=named))
    there = [n for n in named if _is_login(view, workload.namespace, n)]
    if not there:
        return stands(say("proof.image.no_login", secrets=named))
    host = facts.image.partition("/")[0]
    others = [
        w.name
        for w in seen(view).workloads
        if w.ready and w.namespace == workload.namespace and set(_logins(w)) & set(there)
        if any(str(c.spec.get("image") or "").startswith(f"{host}/") for c in w.containers())
    ]
    if others:
        return gone(say("proof.image.login_opens", secrets=there, workload=others[0], host=host))
    return untold(say("proof.image.login_unseen", secrets=there, host=host))


def _logins(workload: Workload) -> list[str]:
    return [str(mapping(s).get("name")) for s in items(workload.spec.get("imagePullSecrets"))]


def _is_login(view: ClusterView, namespace: str, name: str) -> bool:
    found = view.get("secrets", namespace, name)
    return found is not None and found.get("type", _LOGINS[0]) in _LOGINS


def reference(finding: Finding[AbsentReference], view: ClusterView) -> Standing:
    """Whether the pods still name what is not there."""
    facts, workload = finding.facts, subject(finding, view)
    if workload is None:
        return not_there(finding)
    if isinstance(facts, UnmountedKey):
        return _mounted(facts, view, workload)
    if not view.collected(f"{facts.kind}s"):
        return untold(say("proof.reference.uncollected", kinds=f"{facts.kind}s"))
    kind = {"configmap": "ConfigMap", "secret": "Secret"}[facts.kind]
    missing = [
        one
        for one in absent(view, workload)
        if one.kind == kind
        and (not facts.name or one.name == facts.name)
        and (not facts.key or one.key in ("", facts.key))
    ]
    if missing:
        return stands(say("proof.reference.absent", reference=missing[0].written))
    return gone(say("proof.reference.there", kind=kind, workload=workload.name))


def _mounted(facts: UnmountedKey, view: ClusterView, workload: Workload) -> Standing:
    """The file is mounted from a key that is there."""
    container = asking.container(workload, facts.container)
    there = [] if container is None else list(unmounted(view, workload, container))
    if any(one.path == facts.path for one in there):
        return stands(say("proof.reference.absent", reference=f"{facts.name}/{facts.key}"))
    kind = {"configmap": "ConfigMap", "secret": "Secret"}[facts.kind]
    return gone(say("proof.reference.there", kind=kind, workload=workload.name))


def declared(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """What the pods name and is not there: images that do not come, ConfigMaps, Secrets and keys that no ready pod names."""
    yield from _images(view, workload)
    proven = {
        one
        for pod in seen(view).workloads
        if pod.ref.key == workload.ref.key
        for ready in pod.pods
        if ready.ready
        for one in references(ready.spec)
    }
    for one in absent(view, workload):
        if one in proven or (not one.key and one.name in {p.name for p in proven}):
            continue
        plain = {"ConfigMap": "configmap", "Secret": "secret"}[one.kind]
        yield Finding(
            failure_class="config_reference_missing",
            object=workload.ref,
            score=0.9,
            detail=say("proof.reference.names", workload=workload.ref.key, reference=one.written),
            facts=AbsentReference(
                workload=workload,
                kind="configmap" if plain == "configmap" else "secret",
                name=one.name,
                key=one.key,
            ),
        )


def _asked_otherwise(before: Workload, after: Workload) -> bool:
    """With other logins or on other nodes: that an image did not come tells nothing then."""
    moved = any(before.spec.get(key) != after.spec.get(key) for key in _PLACES)
    return moved or _logins(before) != _logins(after)


def _images(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """Containers whose image does not come to a pod of the workload."""
    before = seen(view).workload(workload.kind, workload.namespace, workload.name)
    if before is None or _asked_otherwise(before, workload):
        return
    waiting = {
        str(c.spec.get("image") or "")
        for p in before.pods
        for c in p.containers()
        if c.waiting.get("reason") in _FAILED
    }
    for container in workload.containers(init=True):
        named = str(container.spec.get("image") or "")
        if named in waiting:
            yield Finding(
                failure_class="image_not_found",
                object=workload.ref,
                score=0.9,
                detail=say("proof.image.waits", container=container.name, image=named),
                facts=UnusableImage(workload=workload, container=container.name, image=named),
            )


def command(finding: Finding[UnrunnableCommand], view: ClusterView) -> Standing:
    """Whether the container is still told to run what cannot be run."""
    facts, workload = finding.facts, subject(finding, view)
    container = asking.container(workload, facts.container) if workload is not None else None
    if workload is None or container is None:
        return not_there(finding)
    told = by_template(finding, view)
    if told.answer != "unknown" or not facts.word:
        return told
    words = [*items(container.spec.get("command")), *items(container.spec.get("args"))]
    same_volumes = workload.spec.get("volumes") == facts.workload.spec.get("volumes")
    if facts.word in words[:1] and same_volumes:
        return stands(say("proof.command.same", container=container.name, word=facts.word))
    return told


def multi_attach(finding: Finding, view: ClusterView) -> Standing:
    """Whether two pods may want the volume at one time."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    strategy = str(mapping(workload.obj, "spec", "strategy").get("type") or "RollingUpdate")
    if workload.kind == "Deployment" and strategy != "Recreate":
        return stands(say("proof.still", what="spec.strategy.type", value=strategy))
    if workload.kind != "Deployment" or workload.desired > 1:
        return untold(say("proof.volume.elsewhere", workload=workload.name))
    return gone(say("proof.volume.one_at_a_time", workload=workload.name))


_IMAGE = cause(UnusableImage, image, certain=True)
_TEMPLATE = cause(Facts, by_template)
#: By id of the class.
CAUSES: dict[str, Cause] = {
    "volume_multi_attach": cause(Facts, multi_attach),
    "image_not_found": _IMAGE,
    "image_registry_unreachable": _IMAGE,
    "image_platform_mismatch": _IMAGE,
    "image_pull_secret_missing": cause(UnusableImage, pull_secret, certain=True),
    "config_reference_missing": cause(AbsentReference, reference, certain=True),
    "bad_command": cause(UnrunnableCommand, command),
    "volume_mount_failed": _TEMPLATE,
    "init_container_failing": _TEMPLATE,
    "container_create_failed": _TEMPLATE,
}
