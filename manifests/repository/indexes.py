"""One index for each commit of a repository, shared by everybody in a process who asks about its files."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from manifests.refused import EditRefused
from manifests.repository.index import Blobs, RepositoryIndex, build
from manifests.text.readings import Readings

#: Commits whose index is kept. Repositories are few, and only their heads are asked about; the contents that commits
#: share are read once in any case.
MOST_INDEXES = 8


class Indexes:
    """Indexes by project, branch and commit; the least recently asked for go first. Safe to use from several threads."""

    def __init__(self, most: int = MOST_INDEXES, *, readings: Readings | None = None) -> None:
        self._most = most
        self._blobs = Blobs(readings=readings)
        self._known: OrderedDict[tuple[str, str, str], RepositoryIndex] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def readings(self) -> Readings:
        """What was parsed of all of them."""
        return self._blobs.readings

    def of(
        self,
        files: Mapping[str, bytes],
        *,
        project: str,
        branch: str,
        commit: str,
        skipped: Mapping[str, str] | None = None,
        links: Mapping[str, str] | None = None,
    ) -> RepositoryIndex:
        """The index of ``files``, which are what the project has at the commit.

        ``skipped`` maps paths of which nothing was read to why; ``links`` maps symlinks to their targets as written.
        """
        key = (project, branch, commit)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        made = build(files, self._blobs, project=project, branches=(branch,) if branch else ())
        for path, why in (skipped or {}).items():
            made.unreadable[path] = EditRefused("UNSAFE_PATH", why)
        made.links.update(links or {})
        with self._lock:
            self._known[key] = made
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return made
