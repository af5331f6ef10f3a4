"""What texts say, read once: the documents of each content, kept for as long as there is room.

One ``Readings`` is shared by everything that looks at one repository's files in one process: the index, the search, the
editor, the proof and the renderers. Whoever wires a process owns it. What it gives is shared: nobody changes it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from manifests.refused import EditRefused, NotEditable
from manifests.text import read as reading
from manifests.text.read import Document

#: Characters of all texts that are kept: twice the largest file that is read, so that one does not push out all others.
#: Nodes with their positions take about fifty times that.
MOST_CHARS = 2 * reading.MAX_CHARS


class Readings:
    """Documents by content. Safe to use from several threads; least recently read ones go first."""

    def __init__(self, most_chars: int = MOST_CHARS) -> None:
        self._most = most_chars
        self._chars = 0
        self._known: OrderedDict[str, list[Document] | EditRefused] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, text: str) -> list[Document]:
        """The documents of a text; a byte order mark is set aside. Not to be changed. Raises NotEditable as ``read.read``."""
        return self._documents(text, keep=True)

    def look(self, text: str) -> list[Document]:
        """As ``read``, for something that is taken out of the documents once: they are not kept, since thousands of them
        cost more to keep than to read."""
        return self._documents(text, keep=False)

    def _documents(self, text: str, *, keep: bool) -> list[Document]:
        _, body = reading.without_bom(text)
        with self._lock:
            known = self._known.get(body)
            if known is not None:
                self._known.move_to_end(body)
        if known is None:
            known = _read(body)
            if keep or isinstance(known, EditRefused):
                self._keep(body, known)
        if isinstance(known, EditRefused):
            raise NotEditable.of(known)
        return known

    def _keep(self, body: str, known: list[Document] | EditRefused) -> None:
        with self._lock:
            if body not in self._known:
                self._chars += len(body)
            self._known[body] = known
            while self._chars > self._most and len(self._known) > 1:
                gone, _ = self._known.popitem(last=False)
                self._chars -= len(gone)


def _read(body: str) -> list[Document] | EditRefused:
    try:
        return reading.read(body)
    except NotEditable as error:
        return error.refused
