"""The way from an object to its place, told step by step: what `kfix locate` shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kfix.texts import say
from manifests.helm import charts, elsewhere
from manifests.helm import place as helm
from manifests.helm.layers import Release
from manifests.helm.placed import field_of, held
from manifests.helm.releases import read_releases
from manifests.objects import paths
from manifests.proposal import missing, survey
from manifests.proposal.drafting import NOT_PLAIN
from manifests.proposal.propose import set_fields
from manifests.proposal.scaling import refuse_scaled, scaler_of
from manifests.proposal.survey import Deployment
from manifests.refused import EditRefused, NotEditable
from manifests.repository import kustomize, provenance
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph
from manifests.repository.locate import Hints, locate
from manifests.repository.rendering import Renderer, RenderSession
from manifests.text import equivalence
from manifests.text.scalars import is_scalar
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange, KubernetesChange


@dataclass(slots=True)
class Explanation:
    """The steps, and where they end: a place, or a refusal."""

    steps: list[str] = field(default_factory=list)
    place: str = ""
    refusal: EditRefused | None = None
    #: The file that was found, and everybody who reads it.
    file: str = ""
    readers: tuple[Deployment, ...] = ()


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, and of what."""

    index: RepositoryIndex
    graph: Graph
    ref: ObjectRef
    hints: Hints
    bench: RenderSession
    field_path: str
    steps: list[str]
    #: A change of the field to something like what it is, where that is known.
    probes: list[FieldChange]
    #: Files that were found, the one that holds the place last.
    files: list[str] = field(default_factory=list)


def explain(
    index: RepositoryIndex, ref: ObjectRef, hints: Hints, renderer: Renderer, field_path: str = ""
) -> Explanation:
    """Where the object (or one field of it) is declared. A chart's field is found by changing it a little."""
    told = Explanation()
    hints = hints.told_apart(index)
    graph = kustomize.read_graph(index)
    with renderer.open(index.files, index.readings) as bench:
        asked = _Question(index, graph, ref, hints, bench, field_path, told.steps, [])
        try:
            told.place = _place(asked)
            _prove(asked, renderer)
        except NotEditable as error:
            told.refusal = missing.explained(index, ref, hints, error.refused)
        if asked.files:
            told.file = asked.files[-1]
            told.readers = survey.reading(index, bench, told.file)
    return told


def _prove(asked: _Question, renderer: Renderer) -> None:
    """Would an edit of the field be made? Asked with a change of the field to something like what it is."""
    change = asked.probes[-1] if asked.probes else None
    if change is None:
        return
    wanted = {change.path: change.after}
    edits = set_fields(asked.index, asked.ref, wanted, asked.hints, renderer)
    changed = ", ".join(edit.path for edit in edits)
    asked.steps.append(say("manifests.rendered_before_after_edit_changes", changed=changed))


def _place(asked: _Question) -> str:
    if provenance.is_charted(asked.index, asked.hints.live.get(asked.ref.key, {})):
        asked.steps.append(say("manifests.labels_say_chart_made"))
        return _by_values(asked)
    try:
        return _declared(asked)
    except NotEditable as refused:
        if refused.code not in NOT_PLAIN:
            raise
        asked.steps.append(say("manifests.no_file_declares_as_charts", code=refused.code))
        said = len(asked.steps)
        try:
            return _by_values(asked)
        except NotEditable as instead:
            # Where no chart has to do with it, the first refusal says more.
            if instead.code != "NOT_FOUND" or len(asked.steps) > said + 1:
                raise
            raise refused from None


def _declared(asked: _Question) -> str:
    index, ref = asked.index, asked.ref
    fields = [paths.parse(asked.field_path)] if asked.field_path else []
    environment = asked.hints.environment
    found = locate(ref, index, asked.hints, fields=fields, graph=asked.graph, steps=asked.steps)
    if fields == [("spec", "replicas")]:
        refuse_scaled(index, ref, environment, found.built_in)
    scaler = scaler_of(index, ref, environment, found.built_in)
    if scaler is not None:
        asked.steps.append(
            say("manifests.owns_replicas", kind=scaler.kind, name=scaler.name, file=scaler.path)
        )
    asked.files.append(found.path)
    now = equivalence.value_of(found.document.root)
    if fields and not found.partial and is_scalar(paths.find(now, fields[0], {})):
        asked.probes.append(_probe(now, asked.field_path))
    if found.blocked is not None:
        overlay = found.built_in or "."
        asked.steps.append(say("manifests.would_get_patch_own_where", overlay=overlay))
    return say("manifests.place_document", file=found.path, number=found.document.index)


def _by_values(asked: _Question) -> str:
    ref, steps = asked.ref, asked.steps
    releases = read_releases(asked.index, asked.graph, asked.bench)
    steps.append(
        say(
            "manifests.charts_here_releases",
            count=len(releases.charts),
            count_2=len(releases.found),
        )
    )
    steps.extend(say("manifests.not_built", why=trouble) for trouble in releases.troubles)
    marks = asked.hints.live.get(ref.key, {})
    fields = (paths.parse(asked.field_path),) if asked.field_path else ()
    environment = asked.hints.environment
    search = charts.Search(
        asked.index,
        releases,
        asked.bench,
        ref,
        fields,
        environment,
        marks,
        steps,
        asked.hints.folders,
    )
    chosen = charts.find(search)
    kept = elsewhere.instead(search, chosen)
    if kept is not None or chosen is None:
        assert kept is not None
        release = kept.release
        steps.append(say("manifests.later_win", names=_layers(release)))
        return say("manifests.values_of", installer=release.said_by)
    steps.append(say("manifests.later_win", names=_layers(chosen.release)))
    if not asked.field_path:
        return say(
            "manifests.chart_release",
            chart=str(chosen.release.chart),
            release=chosen.recipe.release,
        )
    probe = _probe(chosen.item, asked.field_path)
    asked.probes.append(probe)
    change = KubernetesChange(object=ref, fields=(probe,))
    (placed,) = helm.place_in(chosen, search, change)
    if placed.layer.owner is None:
        layer = placed.layer
        asked.files.append(layer.holder or layer.path)
        at, _ = held(placed, None)
        return say("manifests.place_document_at", holder=layer.holder or layer.path, at=at)
    path = field_of(placed).path
    return say(
        "manifests.place_at",
        asked=_declared(replace(asked, ref=placed.layer.owner, field_path=path)),
        path=path,
    )


def _layers(release: Release) -> list[str]:
    return [layer.said for layer in release.layers]


def _probe(item: Json, field_path: str) -> FieldChange:
    """A change of the field to something like what it is."""
    now = paths.find(item, field_path, None)
    if now is None:
        raise NotEditable("NOT_FOUND", say("manifests.chart_renders_no", field_path=field_path))
    if not is_scalar(now):
        raise NotEditable(
            "UNSUPPORTED", say("manifests.no_single_value_name_one", field_path=field_path)
        )
    if isinstance(now, bool):
        return FieldChange(path=field_path, before=now, after=not now)
    if isinstance(now, int):
        return FieldChange(path=field_path, before=now, after=now + 1)
    return FieldChange(path=field_path, before=now, after=_text_like(str(now)))


def _text_like(now: str) -> str:
    """``128Mi`` becomes ``1128Mi``, ``name:1.0`` becomes ``name:1.01``: still of its kind."""
    return f"1{now}" if now[:1].isdigit() else f"{now}1"
