"""Which Helm value reaches a field of a live object, found by rendering: no template is evaluated, no name is guessed.

A value that could be it is set on top of a release's values, the chart is rendered, and only one that changes exactly
the planned field of exactly the planned object is taken. The edit then goes into the last layer that sets the value and
belongs to this release alone. Of a chart that is kept elsewhere nothing can be rendered: see ``elsewhere``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import yaml

from kfix.texts import say
from manifests.helm import elsewhere, helmfile_layers, literals, named_values, ranges, through
from manifests.helm.charts import InstalledRelease, Search, find
from manifests.helm.elsewhere import KeptElsewhere
from manifests.helm.layers import Layer, Release, layer_for, merged
from manifests.helm.placed import Placed
from manifests.helm.template_values import read_values
from manifests.helm.value_paths import ABSENT, candidates, laid, unset
from manifests.objects import paths
from manifests.objects.shapes import mapping, text
from manifests.refused import NotEditable
from manifests.render import orders
from manifests.repository import rendering
from manifests.repository.rendering import GaveUp, NotRendered
from manifests.text import equivalence
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from schemas.text import cut, sentence_of

#: Renderings that one field may cost; each takes about a tenth of a second.
_TRIES = 60
#: The same, for values that nobody sets.
_OPEN_TRIES = 40
#: Lines of templates that are tried.
_LITERALS = 20
_COUNT_NAMES = ("replicas", "replicaCount")
#: What an autoscaler may scale to at least and at most.
_BOUNDS = ("minReplicas", "maxReplicas", "minReplicaCount", "maxReplicaCount")
_AUTOSCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


def place(search: Search, change: KubernetesChange) -> list[Placed]:
    """Where the change's fields are set. Raises NotEditable."""
    chosen = find(search)
    kept = elsewhere.instead(search, chosen)
    if kept is not None or chosen is None:
        assert kept is not None
        return place_elsewhere(kept, search, change, blind=False)
    return place_in(chosen, search, change)


def place_elsewhere(
    kept: KeptElsewhere, search: Search, change: KubernetesChange, *, blind: bool
) -> list[Placed]:
    """The same, in a release whose chart is kept elsewhere. ``blind``: whatever the fields are now. Raises NotEditable."""
    return [named_values.place(kept, one, search, blind=blind) for one in _leaves(change.fields)]


def place_in(chosen: InstalledRelease, search: Search, change: KubernetesChange) -> list[Placed]:
    """The same, in a release that was found. Raises NotEditable."""
    fields = tuple(_leaves(change.fields))
    if any(paths.parse(f.path) == ("spec", "replicas") for f in fields):
        _refuse_scaled(chosen, search)
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


def _refuse_scaled(chosen: InstalledRelease, search: Search) -> None:
    for document in rendering.documents_of(chosen.text):
        if not any(kind in document for kind in _AUTOSCALERS):
            continue
        for item in rendering.parsed(document):
            target = text(item, "spec", "scaleTargetRef", "name")
            if item.get("kind") in _AUTOSCALERS and target == search.ref.name:
                why = say(
                    "manifests.owns_replicas_change_bounds",
                    item=item["kind"],
                    name=text(item, "metadata", "name"),
                    installer=chosen.release.said_by,
                )
                said = _bounds(chosen, search, item)
                why = say("manifests.bounds_said_in", why=why, names=said) if said else why
                raise NotEditable("HPA_OWNED", why)


def _bounds(chosen: InstalledRelease, search: Search, scaler: Json) -> list[str]:
    """Where the values stand that an autoscaler's bounds are made of, as far as each reaches nothing else."""
    meta = mapping(scaler, "metadata")
    namespace = text(meta, "namespace") or search.ref.namespace
    ref = ObjectRef(kind=text(scaler, "kind"), namespace=namespace, name=text(meta, "name"))
    found = []
    for key in _BOUNDS:
        now = mapping(scaler, "spec").get(key)
        if not isinstance(now, int):
            continue
        field = FieldChange(path=f"spec.{key}", before=now, after=now + 1)
        inner = replace(search, ref=ref, fields=(("spec", key),), steps=[])
        try:
            placed = _place_field(inner, replace(chosen, item=scaler), field, [field])
        except (NotEditable, NotRendered):
            continue
        if not placed.template:
            layer = placed.layer
            value = paths.render((*layer.at, *placed.path))
            found.append(f"{layer.holder or layer.path or layer.said}: {value}")
    return found


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
                    say(
                        "manifests.about",
                        what=chosen.release.said_by,
                        why=paths.lacking(chosen.item, path),
                    ),
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
    ranged = ranges.entries(values_now, chosen.item, paths.parse(field.path), field.after)
    tried = [*ranged, *candidates(values_now, chosen.item, field, search.ref)][:_TRIES]
    read = read_values(search.index, chosen.recipe.chart)
    open_ = unset(values_now, chosen.item, field, search.ref, read)[:_OPEN_TRIES]
    for path, value in (*tried, *(one for one in open_ if one not in tried)):
        on_top = _OnTop(search, chosen, laid(values_now, path, value))
        seen = _effect(search, chosen, on_top, field, together)
        if seen == "":
            placed = _in_its_layer(search, chosen, (path, value))
            search.steps.append(
                say(
                    "manifests.value_reaches_nothing_else_set",
                    field=paths.render(placed.path),
                    field_2=field.path,
                    said=placed.layer.said,
                )
            )
            return placed
        if seen is not None:
            also.append(seen)
            reached = reached or paths.render(path)
    if also:
        raise NotEditable(
            "VALUE_FANOUT",
            say("manifests.value_reaches_also", reached=reached, field=field.path, also=also[0]),
        )
    return _in_a_template(search, chosen, field, together)


def _in_a_template(
    search: Search, chosen: InstalledRelease, field: FieldChange, together: Sequence[FieldChange]
) -> Placed:
    """The template's line that fixes the field, of a chart that one release installs. Raises NotEditable TEMPLATED."""
    chart, target = chosen.recipe.chart, paths.parse(field.path)
    now = paths.find(chosen.item, target, None)
    places = list(literals.candidates(search.index, chart, target, now, field.after))
    installed = search.releases.of(chart)
    only = len(installed) == 1 and not installed[0].alone
    fitting = [
        one
        for one in (places[:_LITERALS] if only else ())
        if _effect(search, chosen, _WithTemplate(search, chosen, one), field, together) == ""
    ]
    if len(fitting) == 1:
        (one,) = fitting
        search.steps.append(
            say("manifests.literal_of_template", file=one.path, line=one.line, count=1)
        )
        return Placed(Layer(one.path, {}, path=one.path), (), None, chosen.recipe, one.text)
    why = say(
        "manifests.no_value_reaches_template_fixes"
        if places
        else "manifests.no_value_reaches_template_makes"
        if paths.find(chosen.item, paths.parse(field.path), ABSENT) is not ABSENT
        else "manifests.no_value_reaches_template_lacks",
        installer=chosen.release.said_by,
        field=field.path,
    )
    where = literals.fixed_by(fitting or places, len(installed))
    raise NotEditable("TEMPLATED", say("manifests.about", what=why, why=where) if where else why)


def _in_its_layer(
    search: Search, chosen: InstalledRelease, found: tuple[paths.Path, Json]
) -> Placed:
    """The layer that takes a value; of a release that a chart makes, that chart's where the release has none of its own."""
    (path, value), release = found, chosen.release
    placed = helmfile_layers.placed(search.releases.found, release, found)
    if placed is not None:
        return replace(placed, recipe=chosen.recipe)
    try:
        layer = layer_for(release, search.releases.of(chosen.recipe.chart), path)
    except NotEditable:
        placed = through.placed(search.index, search.bench, search.releases, release, found)
        if placed is None:
            raise
        return replace(placed, recipe=chosen.recipe)
    return Placed(layer, *_with_its_list(release, layer, path, value), chosen.recipe)


def _with_its_list(
    release: Release, layer: Layer, path: paths.Path, value: Json
) -> tuple[paths.Path, Json]:
    """A value inside of a list that the layer does not have: Helm replaces lists, so that it gets the whole one."""
    at = next((n for n, segment in enumerate(path) if not isinstance(segment, str)), None)
    there = at is None or paths.find(layer.values, path[:at], ABSENT) is not ABSENT
    if there or layer.leaf:
        return path, value
    return path[:at], paths.get(laid(merged(release.layers), path, value), path[:at])


class _OnTop:
    """A release with values on top of its own."""

    def __init__(self, search: Search, chosen: InstalledRelease, values: Json) -> None:
        self._search, self._chosen = search, chosen
        self._layer = "# tried\n" + yaml.safe_dump(values, sort_keys=False)

    def render(self) -> str:
        """Raises NotRendered."""
        recipe = self._chosen.recipe
        return self._search.bench.render(replace(recipe, layers=(*recipe.layers, self._layer)))


class _WithTemplate:
    """A release whose chart has another template."""

    def __init__(
        self, search: Search, chosen: InstalledRelease, edit: literals.TemplateEdit
    ) -> None:
        self._search, self._chosen, self._edit = search, chosen, edit

    def render(self) -> str:
        """Raises NotRendered."""
        changed = {self._edit.path: self._edit.text}
        return self._search.bench.render(self._chosen.recipe, changed)


def _effect(
    search: Search,
    chosen: InstalledRelease,
    tried: _OnTop | _WithTemplate,
    field: FieldChange,
    together: Sequence[FieldChange],
) -> str | None:
    """What else the values change: empty when only the planned field, ``None`` when they do not reach that."""
    recipe = chosen.recipe
    try:
        differences = rendering.compare(chosen.text, tried.render(), search.index.readings)
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
            orders.settled(rendering.steady(rendering.expected(mine[0].before, set_))),
            orders.settled(rendering.steady(mine[0].after)),
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
