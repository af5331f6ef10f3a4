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
            index.documents(path)
            items = values_of(index, path)
        except NotEditable:
            continue
        for item in items:
            if isinstance(item, dict) and text(item, "kind").lower() == kind:
                yield path, item


def values_of(index: RepositoryIndex, path: str) -> list[Json]:
    """What the documents of a file say, not to be changed by anybody. Raises NotEditable as ``reading.read``."""
    found = index.parsed_fact(path, _filled)
    if isinstance(found, EditRefused):
        raise NotEditable.of(found)
    return found


def _filled(documents: list[Document] | EditRefused) -> list[Json] | EditRefused:
    if isinstance(documents, EditRefused):
        return documents
    return [equivalence.filled(document.root) for document in documents]
