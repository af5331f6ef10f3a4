"""Objects that a repository's files declare, as they stand there. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from manifests.objects.shapes import text
from manifests.refused import NotEditable
from manifests.repository.index import RepositoryIndex
from manifests.text import equivalence
from schemas.base import Json


def declared_objects(index: RepositoryIndex, kind: str) -> Iterator[tuple[str, Json]]:
    """Each object of a kind (in lower case), with its file. A file that cannot be read declares none."""
    for path in index.by_kind.get(kind, ()):
        try:
            documents = index.documents(path)
        except NotEditable:
            continue
        for document in documents:
            item = equivalence.filled(document.root)
            if isinstance(item, dict) and text(item, "kind").lower() == kind:
                yield path, item
