"""The facade: files and typed changes in, proven file edits out, or a refusal."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from manifests import diffs, editor, kustomize, marks, paths, planning, tree, values
from manifests.edits import Edit
from manifests.index import Index, build
from manifests.kustomize import Graph, Kustomization
from manifests.locate import Hints, Location, locate
from manifests.reading import Document
from manifests.refused import Refused
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from schemas.validated import FileEdit

_REPLICAS = ("spec", "replicas")
_ABSENT = object()


@dataclass(slots=True)
class Draft:
    """Edits gathered for the files of one repository."""

    edits: dict[str, list[Edit]] = field(default_factory=dict)
    steps: dict[str, list[str]] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, edits: Sequence[Edit], steps: Sequence[str]) -> None:
        self.edits.setdefault(path, []).extend(edits)
        self.steps.setdefault(path, []).extend(steps)


@dataclass(frozen=True, slots=True)
class _Base:
    """What the edits stand on."""

    project: str
    ref: str
    commit: str
    last_commit_ids: Mapping[str, str]

    def edit(self, path: str, before_sha256: str, after: str, diff: str) -> FileEdit:
        return FileEdit(
            project=self.project,
            path=path,
            ref=self.ref,
            base_commit=self.commit,
            last_commit_id=self.last_commit_ids.get(path, ""),
            before_sha256=before_sha256,
            after_sha256=sha256(after),
            after=after,
            diff=diff,
        )


def propose(
    files: Mapping[str, bytes | str],
    changes: Sequence[KubernetesChange],
    *,
    environment: str,
    project: str,
    ref: str,
    base_commit: str = "",
    last_commit_ids: Mapping[str, str] | None = None,
    folders: Sequence[str] = (),
) -> list[FileEdit] | Refused:
    """The file edits that make a repository declare ``changes``; an empty list when it does so already.

    ``files`` maps paths to contents at ``base_commit`` of branch ``ref``; ``last_commit_ids`` maps paths to the last
    commit that touched them; ``folders`` narrows the search. Refusals are returned, never raised.
    """
    index = build(files)
    try:
        draft = draft_of(index, changes, Hints(environment, tuple(folders)))
        base = _Base(project, ref, base_commit, last_commit_ids or {})
        return [*_edited(index, draft, base), *_created(draft, base)]
    except Refused as refused:
        return refused


def set_fields(
    index: Index, ref: ObjectRef, wanted: Mapping[str, Json], hints: Hints
) -> list[FileEdit]:
    """Edits that give fields of a declared object new values, whatever they are now. Raises Refused."""
    graph = kustomize.read_graph(index)
    parsed = [paths.parse(text) for text in wanted]
    where = locate(ref, index, hints, fields=parsed, graph=graph)
    declared = values.value_of(where.document.root)
    fields = tuple(_to(text, declared, value) for text, value in wanted.items())
    draft = Draft()
    change = KubernetesChange(object=ref, fields=fields)
    _patch(index, graph, change, hints, draft, blind=True)
    return _edited(index, draft, _Base("", "", "", {}))


def set_in(
    index: Index, path: str, document: Document, wanted: Mapping[str, Json]
) -> list[FileEdit]:
    """As ``set_fields``, in a document that is known already. Raises Refused."""
    ref = _ref_of(document)
    if ref is not None and any(paths.parse(text) == _REPLICAS for text in wanted):
        _refuse_scaled(index, ref)
    draft = Draft()
    draft.add(path, planning.set_values(document, wanted), ())
    return _edited(index, draft, _Base("", "", "", {}))


def _ref_of(document: Document) -> ObjectRef | None:
    root = document.root
    kind, name = marks.text_at(root, "kind"), marks.text_at(root, "metadata", "name")
    namespace = marks.text_at(root, "metadata", "namespace")
    return ObjectRef(kind=kind, namespace=namespace, name=name) if kind and name else None


def declares(document: Document, ref: ObjectRef) -> bool:
    """Does the document declare the object, as far as it says a namespace?"""
    found = _ref_of(document)
    if found is None or (found.kind.lower(), found.name) != (ref.kind.lower(), ref.name):
        return False
    return not found.namespace or not ref.namespace or found.namespace == ref.namespace


def _refuse_scaled(index: Index, ref: ObjectRef) -> None:
    scaler = index.autoscaler_of(ref)
    if scaler is not None:
        raise Refused(
            "HPA_OWNED", f"{scaler.kind} {scaler.name} in {scaler.path} owns the replicas"
        )


def _to(text: str, declared: Json, value: Json) -> FieldChange:
    before = paths.find(declared, text, _ABSENT)
    if before is _ABSENT:
        return FieldChange(op="add", path=text, after=value)
    return FieldChange(path=text, before=before, after=value)


def draft_of(index: Index, changes: Sequence[KubernetesChange], hints: Hints) -> Draft:
    """Finds every changed object and gathers the edits by file. Raises Refused."""
    graph = kustomize.read_graph(index)
    draft = Draft()
    for change in changes:
        if change.action == "create":
            _create(index, graph, change, hints, draft)
        elif change.action == "patch":
            _patch(index, graph, change, hints, draft)
        else:
            raise Refused("UNSUPPORTED", "declared objects are not deleted")
    return draft


def _patch(
    index: Index,
    graph: Graph,
    change: KubernetesChange,
    hints: Hints,
    draft: Draft,
    *,
    blind: bool = False,
) -> None:
    """``blind``: settings of a Kustomization are replaced whatever they are."""
    parsed = [paths.parse(f.path) for f in change.fields]
    if _REPLICAS in parsed:
        _refuse_scaled(index, change.object)
    where = locate(change.object, index, hints, fields=parsed, graph=graph)
    rest: list[FieldChange] = []
    for change_of_field, path in zip(change.fields, parsed, strict=True):
        setting = _setting(graph, where, change.object, change_of_field, path)
        if setting is None:
            rest.append(change_of_field)
            continue
        kustomization, moved = setting
        document = index.documents(kustomization.path)[0]
        if blind:
            declared = values.value_of(document.root)
            moved = moved.model_copy(update={"before": paths.find(declared, moved.path)})
        inner = change.model_copy(update={"fields": (moved,)})
        step = f"{kustomization.path} sets {change_of_field.path} for {change.object.name}"
        draft.add(kustomization.path, planning.edits_of(inner, document), (*where.steps, step))
    if rest and where.blocked is not None:
        raise where.blocked
    if rest:
        inner = change.model_copy(update={"fields": tuple(rest)})
        edits = planning.edits_of(inner, where.document, partial=where.partial)
        draft.add(where.path, edits, where.steps)


def _setting(
    graph: Graph, where: Location, ref: ObjectRef, change: FieldChange, path: paths.Path
) -> tuple[Kustomization, FieldChange] | None:
    """``replicas:`` and ``images:`` of a Kustomization win over the document; then they are what is edited."""
    roots = graph.roots_of(where.path)
    above = {k.folder: k for root in roots for k in graph.below(root)}
    for kustomization in (*where.through, *above.values()):
        moved = _in_kustomization(kustomization, ref, change, path)
        if moved is None:
            continue
        if kustomization not in where.through:
            raise Refused(
                "OVERRIDDEN", f"{kustomization.path} sets {change.path}, for more than one overlay"
            )
        return kustomization, moved
    return None


def _in_kustomization(
    kustomization: Kustomization, ref: ObjectRef, change: FieldChange, path: paths.Path
) -> FieldChange | None:
    if path == _REPLICAS and ref.name in kustomization.replicas:
        inner = f"replicas[name={ref.name}].count"
        return change.model_copy(update={"path": inner, "op": "replace"})
    if path[-1] != "image" or not isinstance(change.after, str):
        return None
    for image in kustomization.images:
        repository, tag = split_image(change.after)
        if str(image.get("newName") or image.get("name")) != split_image(str(change.before))[0]:
            continue
        old = split_image(str(change.before))
        if repository != old[0] or "digest" in image or "newTag" not in image or "@" in tag:
            raise Refused("OVERRIDDEN", f"images: in {kustomization.path} sets more than the tag")
        return FieldChange(path=f"images[name={image['name']}].newTag", before=old[1], after=tag)
    return None


def split_image(image: str) -> tuple[str, str]:
    """(repository, tag or ``@digest``) of an image reference; the tag is empty when there is none."""
    name, at, digest = image.partition("@")
    if at:
        return name, "@" + digest
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "")


def _create(
    index: Index, graph: Graph, change: KubernetesChange, hints: Hints, draft: Draft
) -> None:
    """A new object gets its own file beside the workload it is about, and its place in that folder's Kustomization."""
    manifest = change.manifest
    if not isinstance(manifest, dict):
        raise Refused("UNSUPPORTED", "a new object without its manifest")
    found, _ = index.sightings(change.object.kind, change.object.name)
    if found:
        raise Refused("STALE", f"{change.object.key} is declared already in {found[0].path}")
    beside = _beside(manifest, change.object)
    where = locate(beside, index, hints, graph=graph)
    if where.blocked is not None:
        raise where.blocked
    folder = posixpath.dirname(where.path)
    name = f"{change.object.name}-{change.object.kind.lower()}.yaml"
    path = posixpath.join(folder, name)
    tree.check_path(path)
    if path in index.texts or path in draft.new:
        raise Refused("STALE", f"{path} is there already")
    draft.new[path] = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=100)
    draft.steps[path] = [*where.steps, f"a new file beside {where.path}"]
    kustomization = graph.by_folder.get(folder)
    if kustomization is None:
        return
    if kustomization not in where.through and where.through:
        raise Refused("AMBIGUOUS_DOC", f"{kustomization.path} is shared by several overlays")
    document = index.documents(kustomization.path)[0]
    place = paths.find(values.value_of(document.root), ("resources",), None)
    at = len(place) if isinstance(place, list) else 0
    entry = FieldChange(op="add", path=f"resources[{at}]", after=name)
    inner = change.model_copy(update={"action": "patch", "fields": (entry,)})
    draft.add(
        kustomization.path,
        planning.edits_of(inner, document),
        (f"{kustomization.path} lists the new file",),
    )


def _beside(manifest: dict[str, object], created: ObjectRef) -> ObjectRef:
    spec = manifest.get("spec")
    target = spec.get("scaleTargetRef") if isinstance(spec, dict) else None
    if isinstance(target, dict) and target.get("name"):
        return ObjectRef(
            kind=str(target.get("kind") or "Deployment"),
            namespace=created.namespace,
            name=str(target["name"]),
        )
    raise Refused("UNSUPPORTED", f"no place is known for a new {created.kind}")


def _edited(index: Index, draft: Draft, base: _Base) -> list[FileEdit]:
    out = []
    for path, edits in draft.edits.items():
        before = index.texts[path]
        done = editor.amend(before, edits)
        if done.text == before:
            continue
        diff = diffs.unified(path, before, done.changes)
        edit = base.edit(path, sha256(before), done.text, diff)
        counts = {"added_lines": done.added, "removed_lines": done.removed}
        steps = tuple(dict.fromkeys(draft.steps[path]))
        out.append(edit.model_copy(update={**counts, "located_by": steps}))
    return out


def _created(draft: Draft, base: _Base) -> list[FileEdit]:
    out = []
    for path, text in draft.new.items():
        edit = base.edit(path, "", text, diffs.new_file(path, text))
        lines = {"added_lines": len(diffs.split(text)), "located_by": tuple(draft.steps[path])}
        out.append(edit.model_copy(update=lines))
    return out


def sha256(text: str) -> str:
    """Hash of a file's bytes, hex."""
    return hashlib.sha256(text.encode()).hexdigest()
