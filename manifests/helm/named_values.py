"""Values of charts that are kept elsewhere: nothing can be rendered, so that only what a value is called tells. Pure.

A value is taken where its path ends as the field's own does and where all that stands before is either said of every
workload (``controllers``, ``main``) or the object's, the release's, the chart's or the container's own name. It has to be
the only such value; where the live value is known it has to be the value's too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kfix.texts import say
from manifests.helm import known_fields, through
from manifests.helm.charts import Search
from manifests.helm.elsewhere import KeptElsewhere, bases
from manifests.helm.layers import Release, layer_for, merged
from manifests.helm.placed import Placed
from manifests.helm.value_paths import ABSENT, mappings_below, tag_of, walk
from manifests.objects import paths
from manifests.objects.shapes import text
from manifests.refused import NotEditable
from manifests.repository.environments import closeness, speaks
from manifests.text import equivalence
from manifests.text.scalars import is_scalar
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange

#: Parts of value paths that name no workload of a chart beside others.
_COMMON = frozenset(
    {
        "controllers", "controller", "containers", "container", "deployment", "statefulset", "daemonset",
        "workload", "workloads", "pod", "podspec", "spec", "template", "main", "app", "application",
        "configmaps", "configmap", "config", "service", "services",
    }
)  # fmt: skip
_COUNTS = ("replicas", "replicaCount", "replicacount")
_ENV = ("env", "envs", "environment", "extraEnv", "extraEnvs", "extraEnvVars", "envVars")
_HEADS = (("spec", "template", "spec"), ("spec",))
_KEYED = ("containers", "initContainers")
_SCALING = ("autoscaling", "hpa", "horizontalpodautoscaler", "keda")
_NAMING = ("repository", "name", "image")
#: Parts of ``resources.limits.memory``.
_LISTED = 3


def place(kept: KeptElsewhere, field: FieldChange, search: Search, *, blind: bool) -> Placed:
    """The value that is called like the field. ``blind``: whatever the field is now. Raises NotEditable."""
    release, target = kept.release, paths.parse(field.path)
    _refuse_unknown(search, field, release)
    values: Any = (
        paths.find(merged(release.layers), kept.keys, {}) if kept.keys else merged(release.layers)
    )
    asked = _Asked(
        kept,
        target,
        ABSENT if blind or field.op == "add" else field.before,
        field.after,
        search.ref,
        search.environment,
    )
    found = {
        path: new
        for path, new in _called_like(values, asked)
        if speaks([str(s) for s in path], search.environment, search.ref.name) != "no"
    }
    mine = {path: new for path, new in found.items() if _is_own(path, values, asked)}
    if target == ("spec", "replicas"):
        _refuse_scaled(values, asked)
    if not found and release.trouble:
        why = say("manifests.about", what=release.said_by, why=release.trouble)
        raise NotEditable("NOT_RENDERED", why)
    if len(mine) != 1:
        raise NotEditable("NOT_RENDERED", _why(mine, found, kept, field))
    ((path, value),) = mine.items()
    return _in_its_layer(release, (*kept.keys, *path), value, search)


def _in_its_layer(release: Release, whole: paths.Path, value: Json, search: Search) -> Placed:
    """The value in the layer that takes it. Raises NotEditable."""
    try:
        layer = layer_for(release, [r for r in search.releases.found if r is not release], whole)
    except NotEditable:
        outer = through.placed(search.index, search.bench, search.releases, release, (whole, value))
        if outer is None:
            raise
        return outer
    above = release.layers[release.layers.index(layer) + 1 :]
    hidden = next((one for one in above if one.sealed is not None and not one.values), None)
    if hidden is not None and hidden.sealed is not None:
        raise NotEditable("NOT_RENDERED", hidden.sealed.reason)
    search.steps.append(
        say("manifests.value_named_like_field", field=paths.render(whole), said=layer.said)
    )
    return Placed(layer, whole, value)


def _refuse_unknown(search: Search, field: FieldChange, release: Release) -> None:
    """Raises NotEditable for a field that no value here can be told to be of."""
    if known_fields.is_known(search.ref, paths.parse(field.path)):
        return
    why = say(
        "manifests.no_value_of_kind_tells",
        field=field.path,
        object=search.ref.key,
        installer=release.said_by,
    )
    file, name = known_fields.declared_as(search.index, search.ref)
    if file:
        kind = search.ref.kind
        why = say("manifests.may_be_declared_as", why=why, kind=kind, file=file, name=name)
    raise NotEditable("NOT_RENDERED", why)


def _refuse_scaled(values: Any, asked: _Asked) -> None:
    """Raises NotEditable HPA_OWNED where values switch an autoscaler of the object on."""
    for path, node in mappings_below(values, ()):
        key = str(path[-1]).lower() if path else ""
        if key in _SCALING and node.get("enabled") is True and _is_own(path, values, asked):
            raise NotEditable(
                "HPA_OWNED",
                say(
                    "manifests.values_switch_autoscaler_on",
                    installer=asked.kept.release.said_by,
                    field=paths.render((*asked.kept.keys, *path)),
                ),
            )


def _why(
    mine: Mapping[Any, Any], found: Mapping[Any, Any], kept: KeptElsewhere, field: FieldChange
) -> str:
    listed = [paths.render((*kept.keys, *path)) for path in (mine or found)][:3]
    what = say("manifests.many_values", count=len(mine)) if mine else say("manifests.no_value")
    why = say(
        "manifests.named_like_has_value_chart",
        what=what,
        installer=kept.release.said_by,
        field=field.path,
    )
    return say("manifests.about_these", why=why, names=listed) if listed else why


@dataclass(frozen=True, slots=True)
class _Asked:
    kept: KeptElsewhere
    target: paths.Path
    #: ``ABSENT`` where it is not known.
    before: Any
    after: Json
    ref: ObjectRef
    environment: str

    @property
    def container(self) -> str:
        """The container that the field is of; empty for fields of other things."""
        return known_fields.container(self.target)


def _called_like(values: Any, asked: _Asked) -> Iterator[tuple[paths.Path, Json]]:
    """(path, new value) of each value that is called like the field."""
    target = asked.target
    if not isinstance(values, Mapping):
        return
    if target[-1] == "image":
        yield from _images(values, (), asked)
        return
    if len(target) > 2 and target[-1] == "value" and target[-3] == "env":
        yield from _variables(values, (), asked)
        return
    tail = _tail(target)
    for path, value in walk(values, ()):
        if target == ("spec", "replicas"):
            fits = path[-1] in _COUNTS
        else:
            fits = bool(tail) and path[-len(tail) :] == tail
        if fits and is_scalar(value) and _was(asked, value):
            yield (
                path,
                equivalence.fit(target, value, asked.after)
                if is_scalar(asked.after)
                else asked.after,
            )
    if tail[:1] == ("resources",) and len(tail) == _LISTED and asked.before is ABSENT:
        yield from _in_resources(values, tail, asked)


def _tail(target: paths.Path) -> paths.Path:
    at = max((n for n, segment in enumerate(target) if not isinstance(segment, str)), default=-1)
    tail = target[at + 1 :]
    for head in _HEADS:
        if tail[: len(head)] == head:
            return tail[len(head) :]
    return tail


def _was(asked: _Asked, value: Any) -> bool:
    return asked.before is ABSENT or equivalence.equivalent(asked.target, value, asked.before)


def _in_resources(
    values: Any, tail: paths.Path, asked: _Asked
) -> Iterator[tuple[paths.Path, Json]]:
    """A limit or request beside others that the values have for just this container: they are handed on as they are."""
    _, kind, name = map(str, tail)
    for at, node in mappings_below(values, ()):
        beside = node.get(kind) if at[-1:] == ("resources",) else None
        own = at[-2:-1] == (asked.container,)
        if isinstance(beside, Mapping) and beside and name not in beside and own:
            yield (*at, kind, name), asked.after


def _images(values: Any, path: paths.Path, asked: _Asked) -> Iterator[tuple[paths.Path, Json]]:
    after = str(asked.after)
    for at, node in mappings_below(values, path):
        for key, value in node.items():
            said = isinstance(value, str) and str(key).lower().endswith("image") and ":" in value
            if said and _was(asked, value) and value.rpartition(":")[0] == _split(after)[0]:
                yield (*at, str(key)), after
        if at and str(at[-1]).lower().endswith("image") and "tag" in node:
            new = _new_tag(node, asked)
            if new is not ABSENT:
                yield (*at, "tag"), new


def _new_tag(node: Mapping[str, Any], asked: _Asked) -> Any:
    """The tag that makes the new image of an image's values; ``ABSENT`` where they are another image's."""
    before, after = asked.before, str(asked.after)
    tag = "" if node["tag"] is None else str(node["tag"])
    if before is not ABSENT:
        return tag_of(str(before), after) if str(before).endswith(f":{tag}") else ABSENT
    name, new = _split(after)
    parts = [text(node, key) for key in ("registry", "repository")]
    named = {"/".join(part for part in parts if part), *(text(node, key) for key in _NAMING)}
    if not new or name not in named:
        return ABSENT
    return equivalence.fit(asked.target, node["tag"], new) if tag else new


def _split(image: str) -> tuple[str, str]:
    """(name, tag with what stands behind it)."""
    found = re.fullmatch(r"(.+?)(?::([^/@]+(?:@.+)?))?", image)
    return (found[1], found[2] or "") if found else (image, "")


def _variables(values: Any, path: paths.Path, asked: _Asked) -> Iterator[tuple[paths.Path, Json]]:
    named = asked.target[-2]
    if not isinstance(named, paths.Match):
        return
    for at, node in mappings_below(values, path):
        for key in _ENV:
            inside = node.get(key)
            if isinstance(inside, Mapping) and named.value in inside:
                value = inside[named.value]
                if is_scalar(value) and _was(asked, value):
                    yield (*at, key, named.value), equivalence.fit(asked.target, value, asked.after)
                elif (
                    isinstance(value, Mapping)
                    and is_scalar(value.get("value"))
                    and "value" in value
                ):
                    yield (*at, key, named.value, "value"), asked.after
            for number, item in enumerate(inside if isinstance(inside, list) else ()):
                said = isinstance(item, Mapping) and item.get("name") == named.value
                if said and "value" in item and _was(asked, item["value"]):
                    yield (*at, key, number, "value"), asked.after


def _is_own(path: paths.Path, values: Any, asked: _Asked) -> bool:
    """Is all that stands before the field's own name the object's?"""
    before = _before(path, asked)
    own = _names(asked)
    if not known_fields.fits(asked.ref, asked.target, before, values, own):
        return False
    names = own | {asked.container.lower()}
    component = asked.ref.name.removeprefix(
        max((b for b in bases(asked.kept) if asked.ref.name.startswith(b)), key=len, default="")
    )
    component = component.strip("-").lower()
    told = not component
    for at, segment in enumerate(before):
        if not isinstance(segment, str):
            return False
        above = before[at - 1] if at else ""
        if above in _KEYED:
            if asked.container and segment != asked.container:
                return False
            continue
        if segment == "initContainers" and "initContainers" not in asked.target:
            return False
        word = segment.lower()
        if component and word in (
            component,
            component.replace("-", ""),
            component.removesuffix("s"),
        ):
            told = True
        elif word not in _COMMON and word not in names and not closeness([word], asked.environment):
            alone = above in _COMMON and _is_alone(values, before[:at])
            if not (alone and not component):
                return False
    return told


def _before(path: paths.Path, asked: _Asked) -> paths.Path:
    """What stands before the part that is called like the field."""
    if asked.target[-1] == "image":
        at = next(
            (n for n in range(len(path) - 1, -1, -1) if str(path[n]).lower().endswith("image")),
            len(path),
        )
        key = str(path[at]) if at < len(path) else ""
        return path[:at] if key == "image" else (*path[:at], key[:-5].rstrip("-_"))
    if len(asked.target) > 2 and asked.target[-3] == "env" and asked.target[-1] == "value":
        at = next(n for n in range(len(path) - 1, -1, -1) if path[n] in _ENV)
        return path[:at]
    if asked.target == ("spec", "replicas"):
        return path[:-1]
    return path[: len(path) - len(_tail(asked.target))]


def _names(asked: _Asked) -> set[str]:
    named = {
        asked.ref.name,
        asked.kept.name,
        asked.kept.chart,
        *map(str, asked.kept.keys),
    }
    return {name.lower() for name in named if name}


def _is_alone(values: Any, path: paths.Path) -> bool:
    """Does a mapping of workloads have one entry only, whatever it is called?"""
    node = paths.find(values, path, None)
    return isinstance(node, Mapping) and len(node) == 1
