"""Edits of the values by which a chart makes an object, in whatever holds them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml

from kfix.texts import say
from manifests.helm import charts
from manifests.helm import place as helm
from manifests.helm.layers import Layer
from manifests.helm.placed import Placed, field_of, held
from manifests.helm.releases import read_releases
from manifests.objects import paths
from manifests.proposal import declared
from manifests.proposal.draft import Task
from manifests.proposal.scaling import refuse_scaled
from manifests.proposal.settings import REPLICAS
from manifests.refused import EditRefused, NotEditable
from manifests.repository import own_map, provenance, rendering, tree
from manifests.repository.index import RepositoryIndex
from manifests.repository.locate import Hints
from manifests.repository.rendering import RenderSession
from manifests.text import aliases, equivalence, plan_edits, read
from manifests.text.read import Document
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange, KubernetesChange


def patch(
    task: Task, bench: RenderSession, change: KubernetesChange, otherwise: EditRefused
) -> None:
    """For an object that no file declares: the Helm values that make it. Raises ``otherwise`` without any release."""
    index, hints = task.index, task.hints
    releases = read_releases(index, task.graph, bench)
    if not releases.found:
        raise NotEditable.of(otherwise)
    marks = hints.live.get(change.object.key, {})
    parsed = tuple(paths.parse(field.path) for field in change.fields)
    search = charts.Search(
        index,
        releases,
        bench,
        change.object,
        parsed,
        hints.environment,
        marks,
        folders=hints.folders,
    )
    if REPLICAS in parsed:
        refuse_scaled(index, change.object, hints.environment)
    try:
        placed = helm.place(search, change)
    except NotEditable as error:
        nothing = error.code == "NOT_FOUND" and not search.steps
        raise (NotEditable.of(otherwise) if nothing else error) from None
    task.draft.told = task.draft.told or is_told(index, change.object, hints)
    put(task, placed, search.steps)


def is_told(index: RepositoryIndex, ref: ObjectRef, hints: Hints) -> bool:
    """Does the live object say that a chart made it, or a map where it is made?"""
    charted = provenance.is_charted(index, hints.live.get(ref.key, {}))
    return charted or bool(own_map.narrowing(index, ref, hints.environment, hints.folders))


def put(task: Task, placed: Sequence[Placed], steps: Sequence[str]) -> None:
    """Edits of each placed value, in its file or in the object that carries it. Raises NotEditable."""
    draft = task.draft
    draft.placed = True
    owned: dict[ObjectRef, list[FieldChange]] = {}
    filed: dict[tuple[str, int | None], dict[str, Json]] = {}
    written: dict[tuple[ObjectRef, paths.Path], tuple[str, dict[str, Json]]] = {}
    for one in placed:
        layer, recipe = one.layer, one.recipe
        if recipe is None:
            draft.elsewhere = True
        else:
            draft.installed[recipe.chart] = recipe.release, recipe.namespace
        if one.template:
            if layer.path in draft.texts:
                raise NotEditable("UNSUPPORTED", say("manifests.two_edits_change_same_text"))
            draft.texts[layer.path] = one.template
            draft.steps.setdefault(layer.path, []).extend(steps)
        elif layer.written and layer.owner is not None:
            inside = written.setdefault((layer.owner, layer.at), (layer.written, {}))
            inside[1][paths.render(one.path)] = one.value
        elif layer.owner is None:
            file = layer.holder or layer.path
            where, value = held(one, _value_at(task.index, layer) if layer.leaf else None)
            filed.setdefault((file, layer.document if layer.holder else None), {})[where] = value
        else:
            owned.setdefault(layer.owner, []).append(field_of(one))
    for (owner, at), (text, inner) in written.items():
        documents = read.read(text)
        if len(documents) != 1:
            raise NotEditable(
                "UNSUPPORTED", say("manifests.values_text_documents", count=len(documents))
            )
        after = aliases.amended(text, 0, inner)
        owned.setdefault(owner, []).append(
            FieldChange(path=paths.render(at), before=text, after=after)
        )
    for (path, number), wanted in filed.items():
        _set_values(task, (path, number), wanted, steps)
    for owner, fields in owned.items():
        carried = KubernetesChange(object=owner, fields=tuple(fields))
        draft.carried.append(carried)
        declared.patch(task, carried)


def _value_at(index: RepositoryIndex, layer: Layer) -> Json:
    document = index.documents(layer.holder)[layer.document]
    return paths.find(equivalence.value_of(document.root), layer.at, None)


def _set_values(
    task: Task, place: tuple[str, int | None], wanted: Mapping[str, Json], steps: Sequence[str]
) -> None:
    """Values of a file (its path, and which document holds them; ``None``: the only one). An alias on the way makes way for what it stands for, since other places keep theirs."""
    path, number = place
    if path not in task.index.texts:
        _new_values(task, path, wanted, steps)
        return
    if not task.index.documents(path):
        before = task.index.texts[path]
        gap = "" if not before or before.endswith("\n") else "\n"
        made = gap + _values_text(wanted)
        task.draft.texts[path] = before + (made.replace("\n", "\r\n") if "\r\n" in before else made)
        task.draft.steps.setdefault(path, []).extend(steps)
        return
    documents = task.index.documents(path)
    document = _only_document(task.index, path) if number is None else documents[number]
    try:
        task.draft.add(path, plan_edits.set_values(document, wanted), steps)
    except NotEditable as refused:
        if refused.code not in ("ALIASED", "ANCHOR_FANOUT"):
            raise
        task.draft.texts[path] = aliases.amended(task.index.texts[path], document.index, wanted)
        task.draft.steps.setdefault(path, []).extend((*steps, say("manifests.alias_written_out")))


def _new_values(task: Task, path: str, wanted: Mapping[str, Json], steps: Sequence[str]) -> None:
    """A values file that the environment is to have and does not have yet."""
    tree.check_path(path)
    if path in task.index.files or path in task.index.unreadable:
        raise NotEditable("STALE", say("manifests.there_already", path=path))
    task.draft.new[path] = _values_text(wanted)
    task.draft.steps[path] = [*steps, say("manifests.new_values_file")]


def _values_text(wanted: Mapping[str, Json]) -> str:
    content: Json = {}
    for text, value in wanted.items():
        content = rendering.expected(content, [FieldChange(op="add", path=text, after=value)])
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def _only_document(index: RepositoryIndex, path: str) -> Document:
    documents = index.documents(path)
    if len(documents) != 1:
        raise NotEditable(
            "AMBIGUOUS_DOC", say("manifests.has_documents_values", path=path, count=len(documents))
        )
    return documents[0]
