"""Plans in the making: typed changes with preconditions taken from the declared object, else from the live one."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from decide.core.facts import Facts
from decide.core.view import ClusterView
from kfix.texts import Language, both, in_language, say
from manifests.objects import paths
from manifests.objects.defaults import defaulted
from manifests.objects.shapes import Obj
from manifests.objects.workloads import Workload
from manifests.text.equivalence import equivalent
from schemas.base import ObjectRef
from schemas.plans import FieldChange, FixKind, KubernetesChange

_ABSENT = object()

#: A sentence of ``kfix.texts``, or English and French beside each other.
Phrase = str | tuple[str, str]

#: What several plans say.
RESTART: Phrase = say("drafting.risk.restart")
COST: Phrase = say("drafting.risk.cost")
WIDER: Phrase = say("drafting.risk.wider")
ROUTE_OWNER: Phrase = say("drafting.risk.route_owner")
FEWER: Phrase = say("drafting.risk.fewer")
OTHER_CHANGES: Phrase = say("drafting.risk.other_changes")
ONLY_CHANGE: Phrase = say("drafting.risk.only_change")
OLDER_IMAGE: Phrase = say("drafting.risk.older_image")
SECONDS: Phrase = say("drafting.time.seconds")
ROLLING: Phrase = say("drafting.time.rolling")


@dataclass(slots=True, kw_only=True)
class PlanDraft:
    """A plan before ranking, its texts made by ``say`` or given in both languages; ``weight`` (0 to 1) multiplies the diagnosis' confidence."""

    fix_kind: FixKind
    title: Phrase
    why: Phrase
    changes: list[KubernetesChange]
    weight: float = 1.0
    risks: Sequence[Phrase] = field(default_factory=list)
    time: Phrase = ROLLING
    origin: Literal["rules", "playbook"] = "rules"
    #: As ``schemas.plans.ActionPlan``.
    guess: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought(Facts):
    """Facts of a finding that brings its plans with it."""

    drafts: tuple[PlanDraft, ...]


def spoken(phrase: Phrase, language: Language) -> str:
    """A draft's text in the language; a record that takes it keeps what it says."""
    return in_language(phrase if isinstance(phrase, str) else both(*phrase), language)


def after(first: str, second: str) -> str:
    """Two sentences, one after the other; just the first where the second is empty."""
    return say("drafting.after", first=first, second=second) if second else first


def sentence(phrase: Phrase) -> str:
    """A draft's text as one sentence that knows both languages."""
    return phrase if isinstance(phrase, str) else both(*phrase)


def joined_title(first: Phrase, second: Phrase) -> str:
    """The title of a plan that does both."""
    return say("drafting.both", first=sentence(first), second=sentence(second))


def because(detail: str) -> str:
    """A finding's detail as the whole reason of a plan."""
    return say("drafting.because", detail=detail)


def source_of(view: ClusterView, ref: ObjectRef, live: Obj) -> Obj:
    """The object as the repository declares it, else as it lives."""
    return view.declared.get((ref.kind, ref.namespace, ref.name)) or live


def field_change(obj: Obj, path: str, after: Any) -> FieldChange | None:
    """The change that makes ``path`` be ``after`` (``None`` removes it); ``None`` when it is so already.

    Where parents are missing, the topmost missing mapping is added whole, so that the inverse removes just it. ``None`` too
    where what stands above the place can hold no such item.
    """
    before = paths.find(obj, path, _ABSENT)
    if after is None:
        return None if before is _ABSENT else FieldChange(op="remove", path=path, before=before)
    if before is not _ABSENT:
        same = equivalent(paths.parse(path), before, after)
        return None if same else FieldChange(op="replace", path=path, before=before, after=after)
    segments = list(paths.parse(path))
    value = after
    while len(segments) > 1:
        parent = paths.find(obj, tuple(segments[:-1]), _ABSENT)
        if parent is not _ABSENT:
            break
        last = segments.pop()
        if not isinstance(last, str):
            return None
        value = {last: value}
    item = segments[-1]
    holder = paths.find(obj, tuple(segments[:-1]), _ABSENT) if len(segments) > 1 else obj
    if not isinstance(holder, Mapping if isinstance(item, str) else list):
        return None
    if isinstance(item, paths.Match) and isinstance(
        value, dict
    ):  # a list's new item needs its name
        value = {item.field: item.value, **value}
    return FieldChange(op="add", path=paths.render(segments), after=value)


def patch(
    view: ClusterView, ref: ObjectRef, live: Obj, wanted: Sequence[tuple[str, Any]]
) -> list[KubernetesChange]:
    """One patch of one object, empty when nothing is to be changed, or a name is one that no path can hold."""
    obj = source_of(view, ref, live)
    full = defaulted(obj)
    fields: list[FieldChange] = []
    for path, after in wanted:
        if not _readable(path):
            return []
        if obj is not live and _drifted(full, live, path):
            continue
        change = field_change(obj, path, after)
        if change is not None and not _joins(fields, change, path, after):
            fields.append(change)
    return [KubernetesChange(object=ref, fields=tuple(fields))] if fields else []


def _readable(path: str) -> bool:
    try:
        paths.parse(path)
    except paths.BadPath:
        return False
    return True


def _drifted(declared: Obj, live: Obj, path: str) -> bool:
    """What the change is about stands in the cluster alone: the repository has to be applied again, not changed."""
    parent = paths.parse(path)[:-1]
    return (
        len(parent) > 1
        and paths.find(declared, parent, _ABSENT) is _ABSENT
        and paths.find(live, parent, _ABSENT) is not _ABSENT
    )


def _joins(fields: list[FieldChange], change: FieldChange, path: str, after: Any) -> bool:
    """Two values below one mapping that is not there yet are one addition, which the inverse takes back whole."""
    if change.op != "add":
        return False
    for n, earlier in enumerate(fields):
        if earlier.op == "add" and earlier.path == change.path and isinstance(earlier.after, dict):
            rest = paths.parse(path)[len(paths.parse(earlier.path)) :]
            value = copy.deepcopy(earlier.after)
            node = value
            for segment in rest[:-1]:
                node = node.setdefault(str(segment), {})
            node[str(rest[-1])] = after
            fields[n] = earlier.model_copy(update={"after": value})
            return True
    return False


def patch_workload(
    view: ClusterView, workload: Workload, wanted: Sequence[tuple[str, Any]]
) -> list[KubernetesChange]:
    """As ``patch``, with paths below the pod spec where they start with ``:``."""
    full = [
        (p.replace(":", workload.template_path + ".", 1) if p.startswith(":") else p, v)
        for p, v in wanted
    ]
    return patch(view, workload.ref, workload.obj, full)


def container_path(workload: Workload, container: str, rest: str) -> str:
    """``:containers[name=app].rest``."""
    init = any(c.init and c.name == container for c in workload.containers(init=True))
    return f":{'initContainers' if init else 'containers'}[name={container}].{rest}"


def exchange(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What turns mapping ``old`` at ``path`` into ``new``, key by key: new keys first, so that it is never empty."""
    out: list[tuple[str, Any]] = []
    for key, value in new.items():
        if old.get(key) != value:
            out.append((f"{path}{_key(key)}", value))
    out += [(f"{path}{_key(key)}", None) for key in old if key not in new]
    return out


def _key(key: str) -> str:
    return f".{key}" if not set(key) & set(".[]'\"") else f"['{key}']"


def leaves(path: str, now: Any, wanted: Any) -> list[tuple[str, Any]]:
    """The smallest changes that turn ``now`` into ``wanted``: mappings key by key, everything else whole."""
    if not isinstance(now, Mapping) or not isinstance(wanted, Mapping):
        return [] if now == wanted else [(path, wanted)]
    out: list[tuple[str, Any]] = []
    for key in sorted({*now, *wanted}):
        if now.get(key) != wanted.get(key):
            out += leaves(f"{path}{_key(key)}", now.get(key), wanted.get(key))
    return out
