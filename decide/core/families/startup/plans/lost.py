"""Plans for configuration that was there: a commit took a key or a whole ConfigMap away, and what it took is known."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.drafting.drafts import RESTART, PlanDraft, patch
from decide.core.families.startup.facts import AbsentReference
from decide.core.view import ClusterView
from decide.core.written import WrittenField, is_open, written
from kfix.texts import say
from manifests.objects import paths
from manifests.objects.meta import kind_of, name_of, namespace_of, ref_of
from manifests.objects.shapes import Obj, mapping
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange, LostText

#: Characters of a value that a plan puts back.
_LONGEST = 2_000


def lost(facts: AbsentReference, view: ClusterView) -> Iterator[PlanDraft]:
    """The key with its last value, or the whole ConfigMap; of Secrets nothing is known and nothing is made."""
    if facts.kind != "configmap" or not facts.name:
        return
    if facts.key:
        yield from lost_key(view, facts.workload.namespace, facts.name, facts.key)
    elif not _is_there(facts, view):
        yield from list(_file(facts, view)) or _object(facts, view)


def _is_there(facts: AbsentReference, view: ClusterView) -> bool:
    space = facts.workload.namespace
    declared = ("ConfigMap", space, facts.name) in view.declared
    return declared or view.get("configmaps", space, facts.name) is not None


def _file(facts: AbsentReference, view: ClusterView) -> Iterator[PlanDraft]:
    """The file that declared the ConfigMap and that a commit took away whole, to the last byte; the newest such."""
    space = facts.workload.namespace
    for change in view.bundle.changes:
        detail = mapping(change.detail)
        lost, path = mapping(detail.get("lost")), detail.get("path")
        found, text = mapping(lost.get("object")), lost.get("text")
        late = change.at is not None and change.at > view.bundle.alerted_at
        same = (kind_of(found), name_of(found)) == ("ConfigMap", facts.name)
        if late or not same or namespace_of(found) not in ("", space):
            continue
        if isinstance(text, str) and isinstance(path, str) and is_open(found) and is_open(text):
            yield _restored(facts, found, LostText(path=path, text=text, commit=change.revision))
            return


def _restored(facts: AbsentReference, found: Obj, lost: LostText) -> PlanDraft:
    space = facts.workload.namespace
    ref = ObjectRef(api_version="v1", kind="ConfigMap", namespace=space, name=facts.name)
    manifest = {**found, "metadata": {**mapping(found, "metadata"), "namespace": space}}
    where = {"commit": lost.commit[:10], "file": lost.path}
    return PlanDraft(
        fix_kind="create_object",
        title=say("startup.lost.file_title", name=ref.name, file=lost.path),
        why=say("startup.lost.file_why", name=ref.name, **where),
        changes=[
            KubernetesChange(
                object=ref,
                action="create",
                manifest=manifest,
                beside=facts.workload.ref,
                restores=lost,
            )
        ],
        weight=0.9,
        risks=[say("startup.lost.on_purpose"), RESTART],
    )


def lost_key(view: ClusterView, namespace: str, name: str, key: str) -> Iterator[PlanDraft]:
    """A ConfigMap's key with the value that it had before a commit took it away."""
    config = view.get("configmaps", namespace, name)
    if config is None or key in mapping(config, "data"):
        return
    ref = ref_of(config, "ConfigMap", version="v1")
    for one in written(view, ref):
        if one.path == ("data", key) and one.after is None and _is_text(one.before):
            yield PlanDraft(
                fix_kind="set_env",
                title=say("startup.lost.key_title", key=key, name=name),
                why=say("startup.lost.key_why", key=key, name=name, **_where(one)),
                changes=patch(view, ref, config, [(paths.render(one.path), one.before)]),
                weight=0.88,
                risks=[say("startup.lost.read_at_start")],
            )
            return


def _object(facts: AbsentReference, view: ClusterView) -> Iterator[PlanDraft]:
    """The ConfigMap as it was declared before a commit took it away; none where the repository declares it now."""
    space = facts.workload.namespace
    ref = ObjectRef(api_version="v1", kind="ConfigMap", namespace=space, name=facts.name)
    gone = [one for one in written(view, ref) if one.after is None]
    data = next((one for one in gone if one.path == ("data",)), None)
    if data is None or not any(one.path == ("kind",) for one in gone):
        return
    values = mapping(data.before)
    if not values or not all(_is_text(value) for value in values.values()):
        return
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": ref.name, "namespace": space},
        "data": dict(values),
    }
    yield PlanDraft(
        fix_kind="create_object",
        title=say("startup.lost.object_title", name=ref.name),
        why=say("startup.lost.object_why", name=ref.name, **_where(data)),
        changes=[
            KubernetesChange(
                object=ref, action="create", manifest=manifest, beside=facts.workload.ref
            )
        ],
        weight=0.84,
        risks=[say("startup.lost.whole"), RESTART],
    )


def _where(one: WrittenField) -> dict[str, str]:
    return {"commit": one.commit[:10], "file": one.file}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST and is_open(value)
