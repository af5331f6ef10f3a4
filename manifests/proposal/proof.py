"""Proof by rendering: after the edit, the planned objects differ in the planned fields, and nothing else differs. Pure.

Everybody who reads a changed file is asked before and after: the overlays and releases that the map of installers names,
each with what it lays on top, or the file itself where nobody does. Exactly one of them has to change, the one of the
environment that was asked for; one that cannot be rendered beside others is a refusal that names both.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kfix.texts import say
from manifests.objects import paths
from manifests.objects.differences import differences as differing
from manifests.objects.shapes import mapping, mappings
from manifests.proposal.readers import ChangedPlace, RenderedChanges, Side, Unit, sides_of, units_of
from manifests.render import orders
from manifests.repository import dependencies, in_use, kustomize, own_map, rendering, spaces
from manifests.repository.environments import closeness, of_cluster, speaks
from manifests.repository.index import RepositoryIndex, Sighting
from manifests.repository.installers import Installer
from manifests.repository.locate import is_part
from manifests.repository.rendering import (
    KustomizeBuild,
    NotRendered,
    RenderedDifference,
    RenderSession,
)
from manifests.repository.variables import filled
from manifests.text.readings import Readings
from schemas.base import Json, ObjectRef
from schemas.plans import KubernetesChange
from schemas.text import sentence_of

_MOST = 60
#: Fields that a sentence names.
_SHOWN = 3
_CARRYING = re.compile(r"(?m)^kind: (ConfigMap|HelmRelease)$")
#: Where Applications have values.
_VALUES = ("values", "valuesObject", "parameters")


@dataclass(frozen=True, slots=True)
class EditProof:
    """A verdict with its numbers, and the planned objects as they will reach the cluster, by ``ObjectRef.key``."""

    verdict: Literal["pass", "fail", "unknown"]
    reason: str
    numbers: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, Json] = field(default_factory=dict)
    #: Does it fail only because somebody who reads a changed file cannot be rendered?
    doubtful: bool = False
    #: Does it fail since everybody who names a changed file reads another revision, or leaves it out?
    undeployed: bool = False
    #: Is it unknown only since the chart is kept elsewhere, and its values change as planned and nothing else?
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class ExpectedRendering:
    """What the rendering should show. ``carried``: changes of objects that carry values for others (a HelmRelease)."""

    changes: Sequence[KubernetesChange]
    carried: Sequence[KubernetesChange] = ()
    #: Does the chart that makes an object stand elsewhere, so that only its values can be seen?
    elsewhere: bool = False
    #: (release, namespace) of charts whose releases say none, by chart.
    installed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: The environment that was asked for.
    environment: str = "unknown"
    #: The static map's answer: only below these.
    folders: tuple[str, ...] = ()
    #: Did the live object or a map say where the object is made?
    told: bool = False
    #: Names without their hash of the generated objects that change, by ``ObjectRef.key``.
    generated: Mapping[str, str] = field(default_factory=dict)


def prove(
    index: RepositoryIndex,
    changed: Mapping[str, str],
    wanted: ExpectedRendering,
    bench: RenderSession,
) -> EditProof:
    """Renders before and after ``changed`` (texts by path) and compares. Never raises for what cannot be rendered."""
    seen = RenderedChanges()
    sides = sides_of(index, changed, bench)
    for path in changed:
        why = sides[0].whole.undeployed(path, plain=_is_plain(sides, path))
        if why:
            return EditProof("fail", say("manifests.edit_not_deployed", why=why), undeployed=True)
    units = units_of(sides, changed, wanted.installed, seen, elsewhere=wanted.elsewhere)
    if len(units) > _MOST:
        return EditProof(
            "fail", say("manifests.renderings_depend_on", count=len(units)), doubtful=True
        )
    for unit in units:
        _judge_unit(unit, changed, bench, wanted, seen, readings=index.readings)
    if not wanted.elsewhere:
        for place in (one for one in seen.elsewhere if not _is_meant(one.owner, wanted)):
            seen.doubt(place.label, say("manifests.chart_kept_elsewhere"))
    for path in changed:
        if _is_plain(sides, path):
            _compare_plain(path, sides, wanted, seen)
    _check_carriers(sides[0], wanted, seen)
    _check_others(sides[0], wanted, seen)
    return _verdict(wanted, seen)


def _is_meant(owner: ObjectRef | None, wanted: ExpectedRendering) -> bool:
    """Is it the object that says the values which the plan changes?"""
    if owner is None:
        return False
    key = owner.kind, owner.namespace, owner.name
    return any(rendering.means(key, change.object) for change in wanted.changes)


def _judge_unit(
    unit: Unit,
    changed: Mapping[str, str],
    bench: RenderSession,
    wanted: ExpectedRendering,
    seen: RenderedChanges,
    *,
    readings: Readings,
) -> None:
    try:
        before = bench.render(unit.before, unit.extra[0] or None)
        after = bench.render(unit.after, {**changed, **unit.extra[1]})
        before, after = filled(before, unit.variables[0]), filled(after, unit.variables[1])
        carriers = [one for one in unit.carriers if not _is_used_otherwise(before, one)]
        for name in (*carriers, *wanted.generated.values()):
            before, after = (kustomize.without_hash(text, name) for text in (before, after))
        differences = [
            d
            for d in rendering.compare(before, after, readings)
            if not (d.key[0] == "ConfigMap" and d.key[2] in carriers)
            and not (d.key in unit.hands_on and _hands_on_values(d))
        ]
        if any(_planned(d, wanted, unit) is None for d in differences):
            noise = rendering.unsteady(bench, unit.before)
            differences = [
                d
                for d in differences
                if _planned(d, wanted, unit) is not None or d.key not in noise
            ]
        seen.rendered += 2
    except NotRendered as failure:
        if not unit.witness and not (unit.inflates and wanted.elsewhere):
            seen.unknown.append(say("manifests.about", what=unit.label, why=sentence_of(failure)))
        return
    _judge(unit, differences, wanted, seen)


def _is_used_otherwise(rendered: str, name: str) -> bool:
    """Does anything but a HelmRelease name the ConfigMap?"""
    return any(
        name in document and not _CARRYING.search(document)
        for document in rendering.documents_of(rendered)
    )


def _hands_on_values(difference: RenderedDifference) -> bool:
    """Does an Application or a HelmRelease differ in nothing but values?"""
    before, after = difference.before, difference.after
    if before is None or after is None:
        return False
    return bool(_without_values(before) == _without_values(after))


def _without_values(item: Json) -> Json:
    spec = {key: value for key, value in mapping(item, "spec").items() if key != "values"}
    sources = [*mappings(item, "spec", "sources"), mapping(item, "spec", "source")]
    told = [
        (
            {key: value for key, value in source.items() if key != "helm"},
            {k: v for k, v in mapping(source, "helm").items() if k not in _VALUES},
        )
        for source in sources
    ]
    rest = {key: value for key, value in spec.items() if key not in ("source", "sources")}
    return [{**item, "spec": rest}, told]


def _is_plain(sides: tuple[Side, Side], path: str) -> bool:
    """Is the file applied as it is? Values files declare nothing."""
    if any(side.whole.graph.builds_of(path) for side in sides):
        return False
    folder, charts = posixpath.dirname(path), dependencies.charts(sides[1].index)
    if any(folder == chart or folder.startswith(chart + "/") for chart in charts if chart):
        return False
    return any(path in found for found in sides[1].index.by_kind.values())


def _compare_plain(
    path: str, sides: tuple[Side, Side], wanted: ExpectedRendering, seen: RenderedChanges
) -> None:
    """Documents are compared in their order; a file of its own is applied as it is, by everybody who applies it."""
    index, after = sides[0].index, sides[1].index
    try:
        old = _documents(index, path) if path in index.texts else []
        new = _documents(after, path)
    except NotRendered as failure:
        seen.unknown.append(say("manifests.about", what=path, why=sentence_of(failure)))
        return
    if len(old) not in (0, len(new)):
        seen.unexpected.append(
            say("manifests.documents_become", path=path, count=len(old), count_2=len(new))
        )
        return
    differences = [
        RenderedDifference(rendering.key_of(item), before, item)
        for before, item in zip(old or [None] * len(new), new, strict=True)
        if before != item
    ]
    own = Installer(path, words=(path,))
    applied = [
        one
        for one in sides[0].whole.reaching(path)
        if not one.trouble and not one.cannot_read and not _builds(sides, one)
    ]
    for one in applied or [own]:
        seen.readers[one.said_by] = None
        nothing = KustomizeBuild(path)
        words = (*one.words, path)
        apart = one.apart.why if one.apart else ""
        unit = Unit(one.said_by, nothing, nothing, words, one.namespace, one.forced, apart=apart)
        _judge(unit, differences, wanted, seen)


def _builds(sides: tuple[Side, Side], one: Installer) -> bool:
    folder = one.folder
    return folder is not None and (
        sides[0].whole.is_built(folder) or sides[0].whole.chart_of(folder)
    )


def _documents(index: RepositoryIndex, path: str) -> list[Json]:
    return rendering.parsed(index.texts[path], index.readings)


def _judge(
    unit: Unit,
    differences: Sequence[RenderedDifference],
    wanted: ExpectedRendering,
    seen: RenderedChanges,
) -> None:
    differences = [d for d in differences if not rendering.is_derived(d)]
    if not differences:
        seen.unchanged.append(unit.label)
    for difference in differences:
        change = _planned(difference, wanted, unit)
        if change is None or not _as_planned(difference, change):
            seen.unexpected.append(
                say("manifests.about", what=unit.label, why=_named(difference, change))
            )
            continue
        key = change.object.key
        seen.places.setdefault(key, []).append(ChangedPlace(unit.label, unit.words, unit.apart))
        if difference.after is not None:
            seen.objects[key] = _placed(difference.after, change.object)


def _planned(
    difference: RenderedDifference, wanted: ExpectedRendering, unit: Unit
) -> KubernetesChange | None:
    """The change that means the object; where the installer says a namespace, one of that namespace."""
    kind, namespace, name = difference.key
    if unit.namespace and (unit.forced or not namespace):
        namespace = unit.namespace
    for change in (*wanted.changes, *wanted.carried):
        where = namespace if change.object.namespace else ""
        named = wanted.generated.get(change.object.key, change.object.name)
        ref = change.object.model_copy(update={"name": named})
        if rendering.means((kind, where, name), ref):
            return change
    return None


def _as_planned(difference: RenderedDifference, change: KubernetesChange) -> bool:
    if change.action == "create":
        return difference.before is None and rendering.same(
            _spec(difference.after), _spec(change.manifest)
        )
    if change.action != "patch" or difference.before is None or difference.after is None:
        return False
    try:
        planned = rendering.expected(difference.before, change.fields)
        return rendering.same(_settled(planned), _settled(difference.after))
    except paths.Missing:
        return False


def _spec(item: Json) -> Json:
    """Without metadata, to which Kustomizations add."""
    return {k: v for k, v in item.items() if k != "metadata"} if isinstance(item, dict) else {}


def _named(difference: RenderedDifference, change: KubernetesChange | None) -> str:
    what = "/".join(part for part in difference.key if part)
    if difference.before is None:
        return say("manifests.appears", what=what)
    if difference.after is None:
        return say("manifests.goes_away", what=what)
    planned = difference.before
    if change is not None:
        try:
            planned = rendering.expected(difference.before, change.fields)
        except paths.Missing:
            planned = difference.before
    fields = list(differing(_settled(planned), _settled(difference.after)))
    referring = [f.removesuffix(_REFERRING) for f in fields if f.endswith(_REFERRING)]
    if referring and len(referring) == len(fields):
        return say("manifests.fills_in_otherwise", what=what, fields=referring[:_SHOWN])
    if not fields:
        lists = list(orders.others(_settled(planned), _settled(difference.after)))
        return say("manifests.order_otherwise", what=what, fields=lists[:_SHOWN])
    return say("manifests.changes_otherwise", what=what, fields=fields[:_SHOWN])


_REFERRING = paths.render(("env", orders.REFERENCES)).removeprefix("env")


def _settled(item: Json) -> Json:
    return orders.settled(rendering.steady(item))


def _placed(item: Json, ref: ObjectRef) -> Json:
    metadata = {**mapping(item, "metadata")}
    if ref.namespace:
        metadata.setdefault("namespace", ref.namespace)
    return {**item, "metadata": metadata}


def _check_others(side: Side, wanted: ExpectedRendering, seen: RenderedChanges) -> None:
    """Who else makes the object in the environment asked for, without the edit: then that one may be the one meant."""
    for change in wanted.changes:
        places = {place.label for place in seen.places.get(change.object.key, ())}
        if change.action != "patch" or not places:
            continue
        maps = own_map.narrowing(side.index, change.object, wanted.environment, wanted.folders)
        readers = _readers(side, change.object)
        unnamed = any(label in readers and readers[label].unnamed for label in places)
        near = min(
            closeness(place.words, wanted.environment) for place in seen.places[change.object.key]
        )
        for label, one in readers.items():
            if label in places or not _may_be_meant(side, one, change.object, wanted, maps):
                continue
            said = speaks(one.words, wanted.environment, change.object.name)
            if one.unnamed and closeness(one.words, wanted.environment) < near:
                continue  # production-eu beside production
            named = not one.unnamed and said != "no"
            if said == "yes" or (
                named and (unnamed or _is_unsaid(one, change.object, wanted, seen))
            ):
                seen.others.append(say("manifests.makes_too_would_not_change", label=label))
            elif said == "no" and _is_default(change.object, wanted, seen):
                seen.others.append(
                    say("manifests.of_no_environment", environment=wanted.environment, label=label)
                )


def _is_unsaid(
    one: Installer, ref: ObjectRef, wanted: ExpectedRendering, seen: RenderedChanges
) -> bool:
    """Is no environment asked for, and does no cluster's name tell the places from one that makes the object too?"""
    if wanted.told or one.trouble or wanted.environment not in ("", "unknown"):
        return False
    asked = wanted.environment
    mine = all(of_cluster(place.words, asked) == "yes" for place in seen.places[ref.key])
    return not mine or of_cluster(one.words, asked) == "yes"


def _may_be_meant(
    side: Side,
    one: Installer,
    ref: ObjectRef,
    wanted: ExpectedRendering,
    maps: Sequence[tuple[str, tuple[str, ...]]],
) -> bool:
    """May it make the object in the cluster that is asked for, as far as it says a namespace and the maps leave it?"""
    if of_cluster(one.words, wanted.environment) == "no" or _is_outside(one, maps):
        return False
    return _may_hold(side, one, ref) and not _is_unused(side, one, ref, wanted)


def _is_unused(side: Side, one: Installer, ref: ObjectRef, wanted: ExpectedRendering) -> bool:
    """Is it an overlay that nobody deploys, in whose place another one is?"""
    graph = side.whole.graph
    root = graph.by_folder.get(one.folder) if one.unnamed and one.folder is not None else None
    if root is None:
        return False
    return in_use.instead_of(side.index, graph, root, ref, wanted.environment) is not None


def _is_default(ref: ObjectRef, wanted: ExpectedRendering, seen: RenderedChanges) -> bool:
    """Does nothing say that the places are of the environment asked for, or that the object is of theirs?"""
    if wanted.told or wanted.environment in ("", "unknown"):
        return False
    return all(
        speaks(place.words, wanted.environment, ref.name) == "silent"
        for place in seen.places[ref.key]
    )


def _readers(side: Side, ref: ObjectRef) -> dict[str, Installer]:
    """Who deploys files that declare such an object, by name."""
    found, _ = side.index.sightings(ref.kind, ref.name)
    here = [s for s in found if not ref.namespace or s.namespace in ("", ref.namespace)]
    return {
        one.said_by: one
        for s in here
        for one in side.whole.reaching(s.path) or _applied_as_it_is(s)
    }


def _applied_as_it_is(seen: Sighting) -> list[Installer]:
    """A file that nobody names is its own installer, unless it is a patch that nothing uses."""
    if is_part(seen.document):
        return []
    return [Installer(seen.path, words=(seen.path,), unnamed=True)]


def _is_outside(one: Installer, maps: Sequence[tuple[str, tuple[str, ...]]]) -> bool:
    """Do the maps say that it does not make the object that is meant?"""
    places = [place for place in (one.folder, *one.files, *one.words, one.place) if place]
    return any(not any(own_map.is_below(place, folders) for place in places) for _, folders in maps)


def _may_hold(side: Side, one: Installer, ref: ObjectRef) -> bool:
    graph, namespace = side.whole.graph, one.namespace
    if one.folder in graph.by_folder and not one.forced:
        root = graph.by_folder[one.folder]
        if any(k.namespace for k in graph.below(root)):
            return spaces.may_be_in(graph, root, ref.namespace)
    return namespace in ("", ref.namespace) or not ref.namespace


def _check_carriers(side: Side, wanted: ExpectedRendering, seen: RenderedChanges) -> None:
    """A ConfigMap or Secret that deployers take values from reaches what they install."""
    for change in wanted.changes:
        ref = change.object
        if ref.kind not in ("ConfigMap", "Secret"):
            continue
        for path in (*side.index.by_kind.get("helmrelease", ()), *_flux_files(side.index)):
            text = side.index.texts[path]
            if ref.name in text and ("valuesFrom" in text or "substituteFrom" in text):
                seen.doubt(path, say("manifests.takes_values_from", kind=ref.kind, name=ref.name))


def _flux_files(index: RepositoryIndex) -> list[str]:
    return [p for p in index.by_kind.get("kustomization", ()) if "substituteFrom" in index.texts[p]]


def _verdict(wanted: ExpectedRendering, seen: RenderedChanges) -> EditProof:
    numbers: dict[str, str] = {
        key: say("manifests.as_planned_in", names=[place.label for place in places])
        for key, places in seen.places.items()
    }
    numbers["renderings"] = str(seen.rendered)
    if seen.unchanged:
        numbers["unchanged"] = ", ".join(seen.unchanged)
    apart = _all_apart(seen)
    reason = apart or _objection(wanted, seen)
    if reason:
        return EditProof("fail", reason, numbers, seen.objects, undeployed=bool(apart))
    if seen.unknown:
        return _untold(wanted, seen, numbers)
    return _told(wanted, seen, numbers)


def _untold(wanted: ExpectedRendering, seen: RenderedChanges, numbers: dict[str, str]) -> EditProof:
    """Something was not rendered: in doubt where others read the file too, unknown where it is the only one."""
    if len(seen.readers) > 1 or (seen.untold and not wanted.elsewhere):
        named = [label for label in seen.readers if not seen.unknown[0].startswith(f"{label}:")]
        beside = say("manifests.beside", names=named[:3]) if named else ""
        reason = say("manifests.so_nobody_can_tell_what", unknown=seen.unknown[0], beside=beside)
        return EditProof("fail", reason, numbers, seen.objects, doubtful=True)
    reason = say("manifests.not_rendered", names=seen.unknown[:3])
    return EditProof("unknown", reason, numbers, seen.objects)


def _told(wanted: ExpectedRendering, seen: RenderedChanges, numbers: dict[str, str]) -> EditProof:
    """All was rendered: does each planned object change?"""
    missing = [c.object.key for c in wanted.changes if c.object.key not in seen.places]
    if wanted.elsewhere and not seen.elsewhere:
        reason = say("manifests.nothing_changes_for", missing=missing[0] if missing else "")
        return EditProof("fail", reason, numbers, seen.objects)
    carried = all(c.object.key in seen.places for c in wanted.carried)
    if missing and wanted.elsewhere and carried:
        carriers = ", ".join(c.object.key for c in wanted.carried) or say("manifests.only_value")
        reason = say(
            "manifests.changes_as_planned_chart_makes", carriers=carriers, missing=missing[0]
        )
        return EditProof("unknown", reason, numbers, seen.objects, elsewhere=True)
    missing += [c.object.key for c in wanted.carried if c.object.key not in seen.places]
    if missing:
        reason = say("manifests.nothing_changes_for", missing=missing[0])
        return EditProof("fail", reason, numbers, seen.objects)
    reason = say("manifests.rendered_before_after_planned_fields")
    return EditProof("pass", reason, numbers, seen.objects)


def _all_apart(seen: RenderedChanges) -> str:
    """Why an object changes only in what may be made of another revision; empty when it changes in what is edited."""
    for places in seen.places.values():
        if all(place.apart for place in places):
            return say(
                "manifests.edit_would_not_be_deployed", label=places[0].label, apart=places[0].apart
            )
    return ""


def _objection(wanted: ExpectedRendering, seen: RenderedChanges) -> str:
    """Why the edit must not be made, as far as it was rendered; empty when nothing speaks against it."""
    if seen.unexpected:
        return say("manifests.more_than_plan_would_change", names=seen.unexpected[:3])
    places_of = {**seen.places}
    if wanted.elsewhere:
        places_of |= {change.object.key: seen.elsewhere for change in wanted.changes}
    for key, places in places_of.items():
        if len(places) > 1:
            listed = [place.label for place in places]
            return say("manifests.would_change_places", key=key, count=len(places), names=listed)
        name = key.rpartition("/")[2]
        for place in places:
            if of_cluster(place.words, wanted.environment) == "no":
                return say("manifests.another_cluster_than", installer=place.label)
            if speaks(place.words, wanted.environment, name) == "no":
                return say(
                    "manifests.was_asked_for_deploys_another",
                    environment=wanted.environment,
                    label=place.label,
                    key=key,
                )
        if seen.others and places:
            return say(
                "manifests.changes_in", key=key, label=places[0].label, others=seen.others[0]
            )
    return ""
