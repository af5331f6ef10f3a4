"""Which Helm value reaches a field of a live object, found by rendering: no template is read, no name is guessed.

A value that could be it is set on top of a release's values, the chart is rendered, and only one that changes exactly
the planned field of exactly the planned object is taken. The edit then goes into the last layer that sets the value and
belongs to this release alone. For a chart that is kept elsewhere nothing can be rendered; there a value has to be in
the release already, with the live value, under the field's own name, and be the only one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from kfix.texts import say
from manifests.helm.charts import InstalledRelease, Search, elsewhere, find
from manifests.helm.layers import Layer, Release, layer_for, merged
from manifests.helm.template_values import read_values
from manifests.helm.value_paths import ABSENT, candidates, laid, tag_of, unset, walk
from manifests.objects import paths
from manifests.objects.shapes import text
from manifests.refused import NotEditable
from manifests.repository import rendering
from manifests.repository.environments import speaks
from manifests.repository.rendering import GaveUp, HelmTemplate, NotRendered
from manifests.text import equivalence, scalars
from manifests.text.scalars import is_scalar
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from schemas.text import cut, sentence_of

#: Renderings that one field may cost; each takes about a tenth of a second.
_TRIES = 60
#: The same, for values that nobody sets.
_OPEN_TRIES = 40
_COUNT_NAMES = ("replicas", "replicaCount")
_AUTOSCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


@dataclass(frozen=True, slots=True)
class Placed:
    """A planned field as a change of a value: in the file ``layer.path``, or in the object ``layer.owner``."""

    layer: Layer
    path: paths.Path
    value: Json
    #: How the chart was rendered; ``None`` for one that is kept elsewhere.
    recipe: HelmTemplate | None = None


def field_of(placed: Placed) -> FieldChange:
    """The value as a field of the object that holds it."""
    layer = placed.layer
    if layer.leaf:
        before = paths.find(layer.values, layer.leaf)
        return FieldChange(
            path=paths.render(layer.at), before=_text(before), after=_text(placed.value)
        )
    path = paths.render((*layer.at, *placed.path))
    now = paths.find(layer.values, placed.path, ABSENT)
    if now is ABSENT:
        return FieldChange(op="add", path=path, after=placed.value)
    return FieldChange(path=path, before=now, after=placed.value)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else scalars.plain_text(value)


def place(search: Search, change: KubernetesChange) -> list[Placed]:
    """Where the change's fields are set. Raises NotEditable."""
    chosen = find(search)
    if chosen is None:
        release = elsewhere(search)
        return [_known_key(release, one, search) for one in _leaves(change.fields)]
    return place_in(chosen, search, change)


def place_in(chosen: InstalledRelease, search: Search, change: KubernetesChange) -> list[Placed]:
    """The same, in a release that was found. Raises NotEditable."""
    fields = tuple(_leaves(change.fields))
    if any(paths.parse(f.path) == ("spec", "replicas") for f in fields):
        _refuse_scaled(chosen, search.ref)
    _check_before(chosen, fields)
    open_ = [one for one in fields if not _is_so(chosen.item, one)]
    return [_place_field(search, chosen, one, open_) for one in open_]


def _leaves(fields: Sequence[FieldChange]) -> Iterator[FieldChange]:
    """Mappings taken apart into their entries; what both sides share is left out."""
    for one in fields:
        new_item = one.op == "add" and not isinstance(paths.parse(one.path)[-1], str)
        if not isinstance(one.after, Mapping) or one.op == "remove" or new_item:
            yield one
            continue
        before = one.before if isinstance(one.before, Mapping) else {}
        if before.keys() - one.after.keys():
            raise NotEditable(
                "UNSUPPORTED", say("manifests.entries_go_away_values_cannot", field=one.path)
            )
        for key, after in one.after.items():
            path = paths.render((*paths.parse(one.path), key))
            if key not in before:
                yield from _leaves([FieldChange(op="add", path=path, after=after)])
            elif before[key] != after:
                yield from _leaves([FieldChange(path=path, before=before[key], after=after)])


def _refuse_scaled(chosen: InstalledRelease, ref: ObjectRef) -> None:
    for document in rendering.documents_of(chosen.text):
        if not any(kind in document for kind in _AUTOSCALERS):
            continue
        for item in rendering.parsed(document):
            target = text(item, "spec", "scaleTargetRef", "name")
            if item.get("kind") in _AUTOSCALERS and target == ref.name:
                name = text(item, "metadata", "name")
                raise NotEditable(
                    "HPA_OWNED",
                    say(
                        "manifests.owns_replicas_change_bounds",
                        item=item["kind"],
                        name=name,
                        installer=chosen.release.said_by,
                    ),
                )


def _is_so(item: Json, field: FieldChange) -> bool:
    """Is the field rendered as planned already?"""
    path = paths.parse(field.path)
    return equivalence.equivalent(path, paths.find(item, path, ABSENT), _whole(field))


def _whole(field: FieldChange) -> Json:
    """The new value; an item that is called by a field has that too."""
    last = paths.parse(field.path)[-1]
    named = isinstance(last, paths.Match) and isinstance(field.after, Mapping)
    return {last.field: last.value} | dict(field.after) if named else field.after  # type: ignore[union-attr]


def _check_before(chosen: InstalledRelease, fields: Sequence[FieldChange]) -> None:
    for one in fields:
        path = paths.parse(one.path)
        now = paths.find(chosen.item, path, ABSENT)
        if one.op == "add":
            if (
                now is not ABSENT
                and now not in (None, {}, [])
                and not equivalence.equivalent(path, now, one.after)
            ):
                raise NotEditable(
                    "STALE",
                    cut(say("manifests.rendered_already", field=one.path, now=repr(now)), 200),
                )
        elif now is ABSENT:
            if path[-1] not in equivalence.DEFAULTED:
                raise NotEditable(
                    "NOT_FOUND",
                    say("manifests.renders_no", installer=chosen.release.said_by, field=one.path),
                )
        elif not equivalence.equivalent(path, now, one.before) and not equivalence.equivalent(
            path, now, one.after
        ):
            raise NotEditable(
                "STALE",
                cut(
                    say(
                        "manifests.rendered_as_not",
                        field=one.path,
                        now=repr(now),
                        before=repr(one.before),
                    ),
                    300,
                ),
            )


def _place_field(
    search: Search, chosen: InstalledRelease, field: FieldChange, together: Sequence[FieldChange]
) -> Placed:
    release = chosen.release
    values_now = merged(release.layers)
    also: list[str] = []
    reached = ""
    tried = candidates(values_now, chosen.item, field, search.ref)[:_TRIES]
    read = read_values(search.index, chosen.recipe.chart)
    open_ = unset(values_now, chosen.item, field, search.ref, read)[:_OPEN_TRIES]
    for path, value in (*tried, *(one for one in open_ if one not in tried)):
        seen = _effect(search, chosen, laid(values_now, path, value), field, together)
        if seen == "":
            layer = layer_for(release, search.releases.of(chosen.recipe.chart), path)
            search.steps.append(
                say(
                    "manifests.value_reaches_nothing_else_set",
                    field=paths.render(path),
                    field_2=field.path,
                    said=layer.said,
                )
            )
            return Placed(layer, path, value, chosen.recipe)
        if seen is not None:
            also.append(seen)
            reached = reached or paths.render(path)
    if also:
        raise NotEditable(
            "VALUE_FANOUT",
            say("manifests.value_reaches_also", reached=reached, field=field.path, also=also[0]),
        )
    raise NotEditable(
        "TEMPLATED",
        say(
            "manifests.no_value_reaches_template_fixes", installer=release.said_by, field=field.path
        ),
    )


def _effect(
    search: Search,
    chosen: InstalledRelease,
    tried_values: Json,
    field: FieldChange,
    together: Sequence[FieldChange],
) -> str | None:
    """What else the value changes: empty when only the planned field, ``None`` when it does not reach that."""
    layer = "# tried\n" + yaml.safe_dump(tried_values, sort_keys=False)
    recipe = chosen.recipe
    tried = HelmTemplate(recipe.chart, recipe.release, recipe.namespace, (*recipe.layers, layer))
    try:
        differences = rendering.compare(
            chosen.text, search.bench.render(tried), search.index.readings
        )
    except GaveUp as failure:
        raise NotEditable("NOT_RENDERED", sentence_of(failure)) from None
    except NotRendered:
        return None  # a value of another kind than the template or the chart's schema takes
    mine = [d for d in differences if rendering.means(d.key, search.ref) and d.before and d.after]
    if not mine or not mine[0].after:
        return None
    now = paths.find(mine[0].after, paths.parse(field.path), ABSENT)
    if not equivalence.equivalent(paths.parse(field.path), now, _whole(field)):
        return None
    if not any(
        rendering.same(
            rendering.steady(rendering.expected(mine[0].before, set_)),
            rendering.steady(mine[0].after),
        )
        for set_ in ([field], together)
    ):
        return say("manifests.other_fields_object")
    others = [d for d in differences if d is not mine[0] and not rendering.is_derived(d)]
    if others:
        try:
            noise = rendering.unsteady(search.bench, recipe)
        except NotRendered as failure:
            raise NotEditable("NOT_RENDERED", sentence_of(failure)) from None
        others = [d for d in others if d.key not in noise]
    return "/".join(others[0].key) if others else ""


def _known_key(release: Release, field: FieldChange, search: Search) -> Placed:
    target = paths.parse(field.path)
    found: list[Placed] = []
    for layer in release.layers:
        for path, value in walk(layer.values, ()):
            new = _same_name(path, value, target, field)
            theirs = _is_of_another(path, search.environment, search.ref.name)
            if new is not ABSENT and not theirs:
                found.append(Placed(layer, path, new))
    if len({placed.path for placed in found}) != 1:
        what = (
            say("manifests.many_values", count=len(found)) if found else say("manifests.no_value")
        )
        raise NotEditable(
            "NOT_RENDERED",
            say(
                "manifests.named_like_has_value_chart",
                what=what,
                installer=release.said_by,
                field=field.path,
            ),
        )
    placed = found[-1]
    if placed.layer.closed is not None:
        raise NotEditable.of(placed.layer.closed)
    search.steps.append(
        say(
            "manifests.value_named_like_field",
            field=paths.render(placed.path),
            said=placed.layer.said,
        )
    )
    return placed


def _is_of_another(path: paths.Path, environment: str, name: str) -> bool:
    """Is the value inside of an entry that is called like another environment?"""
    return speaks([str(segment) for segment in path], environment, name) == "no"


def _same_name(path: paths.Path, value: Any, target: paths.Path, field: FieldChange) -> Any:
    if field.op != "replace" or not is_scalar(value) or len(path) > 4:
        return ABSENT
    if target[-1] == "image":
        if path[-2:] != ("image", "tag") or not str(field.before).endswith(f":{value}"):
            return ABSENT
        return tag_of(str(field.before), str(field.after))
    if target == ("spec", "replicas"):
        named = path[-1] in _COUNT_NAMES and len(path) == 1
    else:
        named = (
            len(path) > 1
            and path[-2:] == target[-2:]
            and (len(path) == 2 or path[-3:] == target[-3:])
        )
    if not named or not equivalence.equivalent(target, value, field.before):
        return ABSENT
    return equivalence.fit(target, value, field.after)
