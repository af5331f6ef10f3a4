"""Charts that are kept packed (``charts/redis-1.2.3.tgz``): the texts inside of one, in bounds. Pure."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from manifests.repository.index import RepositoryIndex

_MOST_FILES = 2_000
_MOST_BYTES = 16 * 1024 * 1024


def unpacked(index: RepositoryIndex, path: str) -> Mapping[str, str]:
    """The texts of a packed chart by their path inside of its folder; empty for what is none. Read once for an index."""
    known = index.memo.setdefault("packed", {})
    assert isinstance(known, dict)
    if path not in known:
        content = index.files.get(path, b"")
        known[path] = _texts(content if isinstance(content, bytes) else content.encode())
    found: Mapping[str, str] = known[path]
    return found


def keep(index: RepositoryIndex, path: str, content: bytes) -> None:
    """Takes in a packed chart that is no file of the repository."""
    known = index.memo.setdefault("packed", {})
    assert isinstance(known, dict)
    if path not in known:
        known[path] = _texts(content)


def _texts(content: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    left = _MOST_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for number, member in enumerate(archive):
                left -= member.size
                if number >= _MOST_FILES or left < 0:
                    return {}
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None:
                    inside = member.name.removeprefix("./").partition("/")[2]
                    found[inside] = file.read().decode("utf-8", "replace")
    except (tarfile.TarError, EOFError, OSError, ValueError):
        return {}
    return found
