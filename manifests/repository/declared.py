"""Objects that a repository's files declare, as they stand there. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from manifests.objects.shapes import text
from manifests.refused import EditRefused, NotEditable
from manifests.repository.index import RepositoryIndex
from manifests.text import equivalence
from manifests.text.read import Document
from schemas.base import Json


def declared_objects(index: RepositoryIndex, kind: str) -> Iterator[tuple[str, Json]]:
    """Each object of a kind (in lower case), with its file. A file that cannot be read declares none."""
    for path in index.by_kind.get(kind, ()):
        try:
            items = kept_values(index, path)
        except NotEditable:
            continue
        for item in items:
            if isinstance(item, dict) and text(item, "kind").lower() == kind:
                yield path, item


def kept_values(index: RepositoryIndex, path: str) -> list[Json]:
    """As ``values_of``, of a file that people keep. Raises NotEditable also for files that tools own or fill in."""
    return _read_values(index.kept_fact(path, _filled))


def values_of(index: RepositoryIndex, path: str) -> list[Json]:
    """What the documents of a file say, not to be changed by anybody. Raises NotEditable as ``reading.read``."""
    return _read_values(index.parsed_fact(path, _filled))


def _read_values(found: list[Json] | EditRefused) -> list[Json]:
    if isinstance(found, EditRefused):
        raise NotEditable.of(found)
    return found


def _filled(documents: list[Document] | EditRefused) -> list[Json] | EditRefused:
    if isinstance(documents, EditRefused):
        return documents
    return [equivalence.filled(document.root) for document in documents]
