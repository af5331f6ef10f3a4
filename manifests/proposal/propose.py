"""The facade: files and typed changes in, proven file edits out, or a refusal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kfix.texts import say
from manifests.objects import paths
from manifests.proposal import missing
from manifests.proposal.declared import generated_here
from manifests.proposal.draft import EditDraft
from manifests.proposal.drafting import (
    NOT_PLAIN,
    change_to,
    draft_blindly,
    draft_of,
    draft_values,
)
from manifests.proposal.generated import planned_of
from manifests.proposal.proof import EditProof, ExpectedRendering, prove
from manifests.proposal.scaling import refuse_scaled
from manifests.proposal.settings import REPLICAS
from manifests.refused import EditRefused, NotEditable
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository import kustomize, own_map, provenance
from manifests.repository.index import RepositoryIndex, build
from manifests.repository.locate import Hints, locate
from manifests.repository.reach import Reach, reaches
from manifests.repository.rendering import NotRendered, Renderer, RenderSession
from manifests.text import diffs, editor, equivalence, guards, plan_edits
from manifests.text.read import Document
from schemas.base import Json, ObjectRef
from schemas.plans import KubernetesChange
from schemas.text import sentence_of
from schemas.validated import FileEdit

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class EditBase:
    """What the edits stand on."""

    project: str
    ref: str
    commit: str
    last_commit_ids: Mapping[str, str]

    def edit(self, path: str, before_sha256: str, after: str, diff: str) -> FileEdit:
        """The edit of one file, based on this project, ref and commit. ``before_sha256``: of the whole file, hex; ``after``: the whole new text."""
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


@dataclass(frozen=True, slots=True)
class EditProposal:
    """Proven edits, and what rendering before and after them showed."""

    edits: tuple[FileEdit, ...]
    proof: EditProof
    #: Where the changed files deploy to.
    reaches: tuple[Reach, ...] = ()


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
    live: Mapping[str, Mapping[str, str]] | None = None,
    renderer: Renderer | None = None,
) -> list[FileEdit] | EditRefused:
    """The file edits that make a repository declare ``changes``; an empty list when it does so already.

    ``files`` maps paths to contents at ``base_commit`` of branch ``ref``; ``last_commit_ids`` maps paths to the last
    commit that touched them; ``folders`` narrows the search; ``live`` maps the objects' keys to labels and annotations
    that they have in the cluster. Without a ``renderer`` the built-in one stands in, which knows no Helm.
    Refusals are returned, never raised.
    """
    base = EditBase(project, ref, base_commit, last_commit_ids or {})
    hints = Hints(environment, tuple(folders), project, live or {})
    found = propose_on(
        _index(files, project, ref), changes, base, hints, renderer or BuiltIn(), proving=False
    )
    return found if isinstance(found, EditRefused) else list(found.edits)


def _index(files: Mapping[str, bytes | str], project: str, ref: str) -> RepositoryIndex:
    return build(files, project=project, branches=(ref,) if ref else ())


def propose_on(
    index: RepositoryIndex,
    changes: Sequence[KubernetesChange],
    base: EditBase,
    hints: Hints,
    renderer: Renderer,
    *,
    proving: bool = True,
) -> EditProposal | EditRefused:
    """As ``propose``, on an index that is there already and with the proof. Values of charts are always proven."""
    hints = hints.told_apart(index)
    with renderer.open(index.files, index.readings) as bench:
        try:
            return _proposed(index, changes, base, hints, bench, proving=proving)
        except NotEditable as error:
            asked = changes[0].object if len(changes) == 1 else None
            return missing.explained(index, asked, hints, error.refused) if asked else error.refused
        except NotRendered as failure:
            return EditRefused("NOT_RENDERED", sentence_of(failure))


def _proposed(
    index: RepositoryIndex,
    changes: Sequence[KubernetesChange],
    base: EditBase,
    hints: Hints,
    bench: RenderSession,
    *,
    proving: bool,
) -> EditProposal:
    own_map.check(index)
    draft = draft_of(index, changes, hints, bench)
    edits = (*_edited(index, draft, base), *_created(draft, base))
    if not edits:
        return EditProposal((), EditProof("unknown", say("manifests.there_nothing_render_no_file")))
    ways = reaches(index, [edit.path for edit in edits], base.ref)
    proof = _check_proof(index, draft, edits, _asked(draft, changes, hints), bench)
    if not proving and proof.verdict == "fail":
        raise NotEditable.of(_refusal(proof, changes))
    return EditProposal(edits, proof, ways)


def set_fields(
    index: RepositoryIndex,
    ref: ObjectRef,
    wanted: Mapping[str, Json],
    hints: Hints,
    renderer: Renderer | None = None,
) -> list[FileEdit]:
    """Edits that give fields of a declared object new values, whatever they are now. Raises NotEditable.

    With a ``renderer`` also values of charts and new patches of one overlay, once they are proven.
    """
    return list(set_with_proof(index, ref, wanted, hints, renderer).edits)


def set_with_proof(
    index: RepositoryIndex,
    ref: ObjectRef,
    wanted: Mapping[str, Json],
    hints: Hints,
    renderer: Renderer | None = None,
) -> EditProposal:
    """As ``set_fields``, with what rendering showed. Raises NotEditable."""
    hints = hints.told_apart(index)
    own_map.check(index)
    proof = EditProof("unknown", say("manifests.there_nothing_render_no_file"))
    with (renderer or BuiltIn()).open(index.files, index.readings) as bench:
        try:
            draft, change = _drafted(index, ref, wanted, hints, bench, charts=renderer is not None)
        except NotEditable as error:
            raise NotEditable.of(missing.explained(index, ref, hints, error.refused)) from None
        if draft.to_prove and renderer is None:
            raise NotEditable("NOT_RENDERED", say("manifests.new_patch_needs_rendering"))
        edits = [
            *_edited(index, draft, EditBase("", "", "", {})),
            *_created(draft, EditBase("", "", "", {})),
        ]
        if edits:
            proof = _check_proof(index, draft, edits, _asked(draft, [change], hints), bench)
            untold = proof.verdict == "unknown" and renderer is not None and not proof.elsewhere
            if proof.verdict == "fail" or untold:
                raise NotEditable.of(_refusal(proof, [change]))
    return EditProposal(tuple(edits), proof)


def _refusal(proof: EditProof, changes: Sequence[KubernetesChange]) -> EditRefused:
    """What a proof that is no pass says, as a refusal."""
    if proof.undeployed:
        return EditRefused("NOT_FOUND", proof.reason)
    if proof.doubtful or proof.verdict == "unknown":
        return EditRefused("NOT_RENDERED", proof.reason)
    if proof.reason.startswith("nothing changes"):
        return EditRefused(
            "OVERRIDDEN", say("manifests.something_on_top_file_sets", why=proof.reason)
        )
    return EditRefused("AMBIGUOUS_DOC", proof.reason)


def _drafted(
    index: RepositoryIndex,
    ref: ObjectRef,
    wanted: Mapping[str, Json],
    hints: Hints,
    bench: RenderSession,
    *,
    charts: bool,
) -> tuple[EditDraft, KubernetesChange]:
    """In a file that declares the object, else in a chart's values; the other way round where the live object says that a
    chart made it."""
    if charts and provenance.is_charted(index, hints.live.get(ref.key, {})):
        try:
            return draft_values(index, ref, wanted, hints, bench)
        except NotEditable as refused:
            if refused.code != "NOT_FOUND":
                raise
    try:
        return _drafted_blindly(index, ref, wanted, hints, bench)
    except NotEditable as refused:
        if not charts or refused.code not in NOT_PLAIN:
            raise
        try:
            return draft_values(index, ref, wanted, hints, bench)
        except NotEditable as instead:
            raise (refused if instead.code == "NOT_FOUND" else instead) from None


def _drafted_blindly(
    index: RepositoryIndex,
    ref: ObjectRef,
    wanted: Mapping[str, Json],
    hints: Hints,
    bench: RenderSession,
) -> tuple[EditDraft, KubernetesChange]:
    graph = kustomize.read_graph(index)
    made = generated_here(index, ref, hints)
    if made is not None:
        planned = planned_of(index, made, list(wanted.items()))
        change = KubernetesChange(object=ref, fields=planned)
        return draft_blindly(index, change, hints, bench), change
    parsed = [paths.parse(text) for text in wanted]
    where = locate(ref, index, hints, fields=parsed, graph=graph)
    declared = equivalence.value_of(where.document.root)
    fields = tuple(change_to(text, declared, value) for text, value in wanted.items())
    change = KubernetesChange(object=ref, fields=fields)
    return draft_blindly(index, change, hints, bench, where), change


def _asked(
    draft: EditDraft, changes: Sequence[KubernetesChange], hints: Hints
) -> ExpectedRendering:
    return ExpectedRendering(
        changes,
        draft.carried,
        draft.elsewhere,
        draft.installed,
        environment=hints.environment,
        folders=hints.folders,
        told=draft.told,
        generated=draft.generated,
    )


def _check_proof(
    index: RepositoryIndex,
    draft: EditDraft,
    edits: Sequence[FileEdit],
    wanted: ExpectedRendering,
    bench: RenderSession,
) -> EditProof:
    """What rendering shows. Raises NotEditable where the edit is right only if that is a pass."""
    changed = {edit.path: edit.after for edit in edits}
    proof = prove(index, changed, wanted, bench)
    if draft.placed and proof.undeployed:
        raise NotEditable.of(_refusal(proof, wanted.changes))
    if draft.placed and proof.verdict == "fail":
        raise NotEditable("NOT_RENDERED" if proof.doubtful else "VALUE_FANOUT", proof.reason)
    if draft.to_prove and proof.verdict != "pass" and not proof.elsewhere:
        raise NotEditable(
            "NOT_RENDERED", say("manifests.new_patch_made_only_where", why=proof.reason)
        )
    return proof


def set_in(
    index: RepositoryIndex, path: str, document: Document, wanted: Mapping[str, Json]
) -> list[FileEdit]:
    """As ``set_fields``, in a document that is known already. Raises NotEditable."""
    ref = _ref_of(document)
    if ref is not None and any(paths.parse(text) == REPLICAS for text in wanted):
        refuse_scaled(index, ref)
    draft = EditDraft()
    draft.add(path, plan_edits.set_values(document, wanted), ())
    return _edited(index, draft, EditBase("", "", "", {}))


def _ref_of(document: Document) -> ObjectRef | None:
    root = document.root
    kind, name = guards.text_at(root, "kind"), guards.text_at(root, "metadata", "name")
    namespace = guards.text_at(root, "metadata", "namespace")
    return ObjectRef(kind=kind, namespace=namespace, name=name) if kind and name else None


def declares(document: Document, ref: ObjectRef) -> bool:
    """Does the document declare the object, as far as it says a namespace?"""
    found = _ref_of(document)
    if found is None or (found.kind.lower(), found.name) != (ref.kind.lower(), ref.name):
        return False
    return not found.namespace or not ref.namespace or found.namespace == ref.namespace


def _edited(index: RepositoryIndex, draft: EditDraft, base: EditBase) -> list[FileEdit]:
    out = []
    for path, edits in draft.edits.items():
        before = index.texts[path]
        done = editor.amend(before, edits, index.readings)
        if done.text == before:
            continue
        diff = diffs.unified(path, before, done.changes)
        edit = base.edit(path, sha256(before), done.text, diff)
        counts = {"added_lines": done.added, "removed_lines": done.removed}
        steps = tuple(dict.fromkeys(draft.steps[path]))
        out.append(edit.model_copy(update={**counts, "located_by": steps}))
    for path, text in draft.texts.items():
        content = index.files[path]
        before = content if isinstance(content, str) else content.decode()
        if text == before:
            continue
        changes_here = diffs.between(before, text)
        edit = base.edit(path, sha256(before), text, diffs.unified(path, before, changes_here))
        counts = {
            "added_lines": sum(len(c.new) for c in changes_here),
            "removed_lines": sum(len(c.old) for c in changes_here),
        }
        steps = tuple(dict.fromkeys(draft.steps[path]))
        out.append(edit.model_copy(update={**counts, "located_by": steps}))
    return out


def _created(draft: EditDraft, base: EditBase) -> list[FileEdit]:
    out = []
    for path, text in draft.new.items():
        edit = base.edit(path, "", text, diffs.new_file(path, text))
        lines = {"added_lines": len(diffs.split(text)), "located_by": tuple(draft.steps[path])}
        out.append(edit.model_copy(update=lines))
    return out


def sha256(text: str) -> str:
    """Hash of a file's bytes, hex."""
    return hashlib.sha256(text.encode()).hexdigest()
