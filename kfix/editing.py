"""Edits of checked-out repositories, as `kfix edit` asks for them: one at a time or a batch of JSON lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kfix.checkout import read_checkout, read_file
from manifests import paths, proposing, reading, scalars
from manifests.index import Index, build
from manifests.locate import Hints
from manifests.refused import Refused
from schemas.base import ObjectRef
from schemas.validated import FileEdit


class Request(BaseModel):
    """One wish. ``file`` and ``doc`` may be missing: then ``object`` is searched in ``repo``."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    id: Any = None
    #: Missing together with ``file``: the present folder. Missing beside one: the file's own folder.
    repo: Path | None = None
    file: str = ""
    doc: int | None = None
    object: str = ""
    set: dict[str, Any] = Field(default_factory=dict)
    environment: str = Field(default="unknown", alias="env")

    @property
    def place(self) -> tuple[Path, str]:
        """(folder, file below it)."""
        if self.repo is None and self.file:
            file = Path(self.file)
            return file.parent, file.name
        return self.repo or Path(), self.file


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a wish. ``diff`` is what ``git apply`` takes."""

    status: Literal["edited", "unchanged", "refused"]
    file: str = ""
    diff: str = ""
    code: str = ""
    reason: str = ""


@dataclass(slots=True)
class Workspace:
    """Repositories on disk, read once each. Files written through ``answer`` are read again."""

    _indexes: dict[Path, Index] = field(default_factory=dict)

    def index(self, repo: Path) -> Index:
        """The index of a folder. Raises Refused NOT_FOUND when it is none."""
        if repo not in self._indexes:
            if not repo.is_dir():
                raise Refused("NOT_FOUND", f"no folder {repo}")
            files, refused = read_checkout(repo)
            self._indexes[repo] = build(files)
            self._indexes[repo].unreadable.update(refused)
        return self._indexes[repo]

    def write(self, repo: Path, edit: FileEdit) -> None:
        """Writes a file and forgets what was read of its repository."""
        (repo / edit.path).write_bytes(edit.after.encode())
        self._indexes.pop(repo, None)


def answer(request: Request, workspace: Workspace, *, write: bool = False) -> Answer:
    """Makes one edit, or says why not."""
    try:
        edits = _edits(request, workspace)
    except Refused as refused:
        return Answer("refused", request.file, code=refused.code, reason=refused.reason)
    except OSError as error:
        return Answer("refused", request.file, code="NOT_FOUND", reason=str(error))
    except (paths.BadPath, ValueError) as error:
        return Answer("refused", request.file, code="BAD_REQUEST", reason=str(error))
    if not edits:
        return Answer("unchanged", request.file)
    if write:
        for edit in edits:
            workspace.write(request.place[0], edit)
    return Answer("edited", edits[0].path, "".join(edit.diff for edit in edits))


def answer_line(line: bytes, workspace: Workspace, *, write: bool = False) -> bytes:
    """One JSON line in, one out. A line that is no request is refused, like everything else."""
    ident: Any = None
    try:
        wish = orjson.loads(line)
        ident = wish.get("id") if isinstance(wish, dict) else None
        reply = answer(Request.model_validate(wish), workspace, write=write)
    except (orjson.JSONDecodeError, ValidationError) as error:
        reply = Answer("refused", code="BAD_REQUEST", reason=str(error).splitlines()[0])
    return orjson.dumps(
        {
            "id": ident,
            "status": reply.status,
            "file": reply.file,
            "diff": reply.diff,
            "code": reply.code,
            "reason": reply.reason,
        }
    )


def _edits(request: Request, workspace: Workspace) -> list[FileEdit]:
    repo, path = request.place
    index = workspace.index(repo)
    ref = ObjectRef.parse(request.object) if request.object else None
    if not path:
        if ref is None:
            raise ValueError("neither file nor object")
        return proposing.set_fields(index, ref, request.set, Hints(request.environment))
    if path in index.unreadable:
        raise index.unreadable[path]
    if path not in index.texts:
        content = read_file(repo / path, path)
        index.texts[path] = reading.decode(content)
    document = _document(index, path, request.doc, ref)
    return proposing.set_in(index, path, document, request.set)


def _document(index: Index, path: str, doc: int | None, ref: ObjectRef | None) -> reading.Document:
    documents = index.documents(path)
    if doc is not None:
        if not 0 <= doc < len(documents):
            raise Refused("NOT_FOUND", f"no document {doc}, {path} has {len(documents)}")
        return documents[doc]
    if ref is None:
        fitting = [d for d in documents if d.tree not in (("tag:yaml.org,2002:null", ""),)]
    else:
        fitting = [d for d in documents if proposing.declares(d, ref)]
    if len(fitting) != 1:
        code: Literal["AMBIGUOUS_DOC", "NOT_FOUND"] = "AMBIGUOUS_DOC" if fitting else "NOT_FOUND"
        raise Refused(code, f"{len(fitting)} documents of {path} fit")
    return fitting[0]


def value_of_word(word: str) -> object:
    """A value given on the command line: JSON-like collections, numbers and booleans; anything else is text."""
    if word[:1] in ("{", "[", '"', "'"):
        try:
            return yaml.safe_load(word)
        except yaml.YAMLError:
            raise ValueError(f"cannot read the value {word!r}") from None
    kind = scalars.read_12(word) if scalars.read_12(word) == scalars.read_11(word) else "str"
    if kind == "int" and str(int(word)) == word:
        return int(word)
    if kind == "bool":
        return word.lower() == "true"
    return float(word) if kind == "float" and str(float(word)) == word else word
