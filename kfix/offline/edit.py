"""Edits of checked-out repositories, as `kfix edit` asks for them: one at a time or a batch of JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from kfix.offline.checkout import branches_of, read_checkout, read_file, read_folder, read_links
from kfix.texts import say
from manifests.objects import paths
from manifests.proposal import propose
from manifests.refused import EditRefused, NotEditable
from manifests.repository.environments import PlaceNames
from manifests.repository.index import RepositoryIndex, build, changed_index
from manifests.repository.locate import Hints
from manifests.repository.rendering import Renderer
from manifests.text import read as reading
from manifests.text.guards import text_at
from schemas.base import ObjectRef
from schemas.validated import FileEdit

#: The code of a wish that says nothing that could be done.
BAD_REQUEST = "BAD_REQUEST"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
#: Nesting of one wish. No manifest's value has a quarter of it.
_MAX_DEPTH = 100
_Reader = Callable[[Path], tuple[dict[str, bytes], dict[str, EditRefused]]]


class Request(BaseModel):
    """One wish. ``file`` and ``doc`` may be missing: then ``object`` is searched in ``repo``."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    id: Any = None
    #: Missing together with ``file``: the present folder. Missing beside one: the file's own folder.
    repo: Path | None = None
    file: str = ""
    doc: StrictInt | None = None
    object: str = ""
    set: dict[str, Any] = Field(min_length=1)
    environment: str = Field(default="unknown", alias="env")
    #: Name of the cluster, where several have places of their own.
    cluster: str = ""
    #: Labels and annotations that the object has in the cluster.
    live: dict[str, str] = Field(default_factory=dict)

    @property
    def place(self) -> tuple[Path, str]:
        """(folder, file below it)."""
        if self.repo is None and self.file:
            file = Path(self.file)
            return file.parent, file.name
        return self.repo or Path(), self.file


@dataclass(frozen=True, slots=True)
class EditAnswer:
    """What became of a wish. ``diff`` is what ``git apply`` takes.

    ``code``: a RefusalCode, BAD_REQUEST for a wish that says nothing, or NOT_WRITTEN where the disk refuses.
    """

    status: Literal["edited", "unchanged", "refused"]
    file: str = ""
    diff: str = ""
    code: str = ""
    reason: str = ""
    #: What could not be seen of an edit that is made: its chart is kept elsewhere.
    note: str = ""


@dataclass(slots=True)
class Workspace:
    """Repositories on disk, read once each. What is written through ``answer`` is known without reading again."""

    #: With one, also values of charts are edited and overlays get patches, once a rendering proves them.
    renderer: Renderer | None = None
    #: The house's own words for environments.
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    _repositories: dict[Path, RepositoryIndex] = field(default_factory=dict)
    _folders: dict[Path, RepositoryIndex] = field(default_factory=dict)

    def index(self, repo: Path) -> RepositoryIndex:
        """The index of a folder and all below. Raises NotEditable NOT_FOUND when it is none."""
        return self._read(repo, self._repositories, read_checkout)

    def folder(self, folder: Path) -> RepositoryIndex:
        """The index of one folder's own files. Raises NotEditable NOT_FOUND when it is none."""
        return self._read(folder, self._folders, read_folder)

    def _read(
        self, folder: Path, known: dict[Path, RepositoryIndex], read: _Reader
    ) -> RepositoryIndex:
        if folder not in known:
            if not folder.is_dir():
                raise NotEditable("NOT_FOUND", f"no folder {folder}")
            files, refused = read(folder)
            known[folder] = build(files, branches=branches_of(folder))
            known[folder].unreadable.update(refused)
            known[folder].links.update(read_links(folder))
        return known[folder]

    def write(self, folder: Path, edits: Sequence[FileEdit]) -> None:
        """Writes files. Raises OSError."""
        for edit in edits:
            (folder / edit.path).write_bytes(edit.after.encode())
        after = {edit.path: edit.after for edit in edits}
        for known in (self._repositories, self._folders):
            if folder in known:
                known[folder] = changed_index(known[folder], after)


def answer(request: Request, workspace: Workspace, *, write: bool = False) -> EditAnswer:
    """Makes one edit, or says why not."""
    try:
        edits, note = _edits(request, workspace)
    except NotEditable as refused:
        return EditAnswer("refused", request.file, code=refused.code, reason=refused.reason)
    except OSError as error:
        return EditAnswer("refused", request.file, code="NOT_FOUND", reason=str(error))
    except ValueError as error:
        return EditAnswer("refused", request.file, code=BAD_REQUEST, reason=str(error))
    if not edits:
        return EditAnswer("unchanged", request.file)
    if write:
        try:
            workspace.write(request.place[0], edits)
        except OSError as error:
            return EditAnswer("refused", edits[0].path, code="NOT_WRITTEN", reason=str(error))
    return EditAnswer("edited", edits[0].path, "".join(edit.diff for edit in edits), note=note)


def answer_line(
    line: bytes, workspace: Workspace, *, number: int = 1, write: bool = False
) -> bytes:
    """One JSON line in, one out. A line that is no request is refused, like everything else."""
    ident: Any = None
    try:
        ident = _loaded(line).get("id")
        reply = answer(Request.model_validate(_exact(line)), workspace, write=write)
    except ValidationError as error:
        reply = EditAnswer("refused", code=BAD_REQUEST, reason=_reason(error))
    except ValueError as error:
        reply = EditAnswer("refused", code=BAD_REQUEST, reason=f"line {number}: {error}")
    return orjson.dumps(
        {
            "id": ident,
            "status": reply.status,
            "file": reply.file,
            "diff": reply.diff,
            "code": reply.code,
            "reason": reply.reason,
            "note": reply.note,
        }
    )


def _loaded(line: bytes) -> dict[str, Any]:
    """A line's object. Raises ValueError where it is none."""
    try:
        wish = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg}, at character {error.pos + 1}") from None
    if not isinstance(wish, dict):
        raise ValueError("not an object")
    _check_depth(wish, _MAX_DEPTH)
    return wish


def _exact(line: bytes) -> object:
    """As ``_loaded``, which turns integers of more than 64 bits into floats without a word. Raises ValueError for them."""
    wish: object = json.loads(line)
    try:
        orjson.dumps(wish)
    except orjson.JSONEncodeError as error:
        raise ValueError(str(error)) from None
    return wish


def _check_depth(value: object, left: int) -> None:
    if left == 0:
        raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inside:
        _check_depth(item, left - 1)


def _reason(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"
        for found in error.errors()
    )


def _edits(request: Request, workspace: Workspace) -> tuple[Sequence[FileEdit], str]:
    """The edits, and what could not be seen of them."""
    repo, path = request.place
    for text in request.set:
        paths.parse(text)
    ref = ObjectRef.parse(request.object) if request.object else None
    if not path:
        if ref is None:
            raise ValueError("neither file nor object")
        if request.doc is not None:
            raise ValueError("a document without its file")
        index = workspace.index(repo)
        marks = {ref.key: request.live} if request.live else {}
        cluster = [request.cluster] if request.cluster else []
        names = PlaceNames(workspace.words, cluster)
        hints = Hints(names.asked(request.environment), live=marks)
        found = propose.set_with_proof(index, ref, request.set, hints, workspace.renderer)
        unseen = say("manifests.not_rendered", names=[found.proof.reason])
        return found.edits, unseen if found.proof.elsewhere else ""
    index = workspace.folder(repo) if request.repo is None else workspace.index(repo)
    if path in index.unreadable:
        raise NotEditable.of(index.unreadable[path])
    if path not in index.texts:
        _check_folders(repo, path)
        index.texts[path] = reading.decode(read_file(repo / path, path))
    document = _document(index, path, request.doc, ref)
    return propose.set_in(index, path, document, request.set), ""


def _check_folders(repo: Path, path: str) -> None:
    for parent in Path(path).parents:
        if (repo / parent).is_symlink() and parent != Path():
            raise NotEditable("UNSAFE_PATH", f"{parent} is a symlink")


def _document(
    index: RepositoryIndex, path: str, doc: int | None, ref: ObjectRef | None
) -> reading.Document:
    documents = index.documents(path)
    if doc is not None:
        if not 0 <= doc < len(documents):
            raise NotEditable("NOT_FOUND", f"no document {doc}, {path} has {len(documents)}")
        if ref is not None and not _may_declare(documents[doc], ref):
            raise NotEditable("NOT_FOUND", f"document {doc} of {path} is no {ref.key}")
        return documents[doc]
    if ref is None:
        fitting = [d for d in documents if d.tree not in (("tag:yaml.org,2002:null", ""),)]
    else:
        fitting = [d for d in documents if propose.declares(d, ref)]
    if len(fitting) != 1:
        code: Literal["AMBIGUOUS_DOC", "NOT_FOUND"] = "AMBIGUOUS_DOC" if fitting else "NOT_FOUND"
        what = f"are {ref.key}" if ref is not None else "could be meant"
        raise NotEditable(code, f"{len(fitting)} of {len(documents)} documents of {path} {what}")
    return fitting[0]


def _may_declare(document: reading.Document, ref: ObjectRef) -> bool:
    """Is the document of the object's kind and name, as far as it says them? Kustomize adds to names, not to kinds."""
    kind, name = text_at(document.root, "kind"), text_at(document.root, "metadata", "name")
    if not kind:
        return True
    fits = not name or ref.name.startswith(name) or ref.name.endswith(name)
    return kind.lower() == ref.kind.lower() and fits


def value_of_word(word: str) -> object:
    """A value given on the command line: JSON-like collections, numbers, booleans and null; anything else is text.

    A number is one that is written back as it was given: ``1.10`` and ``0644`` are text. Raises ValueError.
    """
    if word[:1] in ("{", "[", '"', "'"):
        try:
            return yaml.safe_load(word)
        except yaml.YAMLError:
            raise ValueError(f"cannot read the value {word!r}") from None
    if _NUMBER.fullmatch(word):
        number = float(word) if "." in word else int(word)
        return number if str(number) == word else word
    return {"true": True, "false": False, "null": None}.get(word, word)
