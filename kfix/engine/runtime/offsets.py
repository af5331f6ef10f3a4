"""Which offset of a partition may be committed, and which record may run now. Pure: no I/O, no clock.

Records run side by side but are acknowledged in offset order: the committable offset moves only over records that
are done, as do all before them. Records with one key run one after the other, and take one place of the window
together: a thousand repetitions of one alert leave room for the others behind them.
A ``Window`` stands for one partition under one assignment (its epoch). When the partition is revoked the window is
closed, and whatever still holds one of its entries sees that and lets go without acknowledging.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol


class Fetched(Protocol):
    """A record as the broker gave it (aiokafka's ``ConsumerRecord``)."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition's name on the cluster."""

    topic: str
    number: int


class Entry:
    """One record under way. ``owed`` counts acknowledgements of the broker that are still out.

    ``since`` is when its present attempt began or, later, when its results were sent (``time.monotonic``).
    ``held`` says that it waits to be due.
    """

    __slots__ = ("done", "fetched", "held", "owed", "since", "started", "window")

    def __init__(self, window: Window, fetched: Any) -> None:
        self.window = window
        self.fetched = fetched
        self.started = False
        self.done = False
        self.held = False
        self.owed = 0
        self.since = 0.0


class Window:
    """One partition under one assignment."""

    __slots__ = (
        "_bytes",
        "_entries",
        "_keys",
        "_most",
        "_most_bytes",
        "_next",
        "_places",
        "_remembered",
        "_seen",
        "_size",
        "_waiting",
        "closed",
        "closing",
        "committed",
        "partition",
        "position",
        "running",
        "subject",
    )

    def __init__(
        self,
        partition: Partition,
        *,
        subject: str,
        size: int,
        remembered: int,
        most: int | None = None,
        most_bytes: int = 2**62,
    ) -> None:
        """``size``: places, one for each key and one for each record without a key.

        ``most`` (by default as many) and ``most_bytes`` bound all records under way; one is always let in.
        """
        self.partition = partition
        #: The topic whose records these are: for a retry topic the one it belongs to.
        self.subject = subject
        #: No record starts any more; those that run may still finish.
        self.closing = False
        self.closed = False
        #: Records whose handler runs or whose results the broker has not acknowledged yet.
        self.running = 0
        #: Next offset to read after everything done so far; ``None`` before the first record is done.
        self.position: int | None = None
        #: The last position that was committed under this assignment.
        self.committed: int | None = None
        self._next = -1
        self._size = size
        self._most = size if most is None else max(most, size)
        self._most_bytes = most_bytes
        self._bytes = 0
        self._places = 0
        self._keys: dict[bytes, int] = {}
        self._entries: deque[Entry] = deque()
        self._waiting: deque[Any] = deque()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._remembered = remembered

    def offer(self, records: Iterable[Fetched]) -> None:
        """Takes fetched records, in offset order; ``admit`` hands them out. Offsets taken before are dropped."""
        for record in records:
            if record.offset >= self._next:
                self._next = record.offset + 1
                self._waiting.append(record)

    def admit(self) -> list[Entry]:
        """Records that may start now: as many as the window has room for."""
        entries: list[Entry] = []
        waiting = self._waiting
        while waiting and not self.closing and self._has_room_for(waiting[0]):
            entry = Entry(self, waiting.popleft())
            self._count(entry)
            self._entries.append(entry)
            entries.append(entry)
        return entries

    def _has_room_for(self, record: Fetched) -> bool:
        if not self._entries:
            return True
        if len(self._entries) >= self._most or self._bytes >= self._most_bytes:
            return False
        return self._places < self._size or record.key in self._keys

    def _count(self, entry: Entry) -> None:
        key = entry.fetched.key
        self._bytes += len(entry.fetched.value or b"")
        if key is None:
            self._places += 1
            return
        together = self._keys.get(key, 0)
        self._keys[key] = together + 1
        self._places += not together

    def _discount(self, entry: Entry) -> None:
        key = entry.fetched.key
        self._bytes -= len(entry.fetched.value or b"")
        if key is None:
            self._places -= 1
            return
        together = self._keys[key] - 1
        if together:
            self._keys[key] = together
        else:
            del self._keys[key]
            self._places -= 1

    def start(self, entry: Entry) -> bool:
        """Marks a record as running. False when it must not run: its assignment is over."""
        if self.closing:
            return False
        entry.started = True
        self.running += 1
        return True

    def let_go(self, entry: Entry) -> None:
        """Takes back a start: the record runs no more and is not done."""
        if entry.started and not entry.done:
            entry.started = False
            self.running -= 1

    def finish(self, entry: Entry) -> bool:
        """Marks a record done. True when the committable position moved."""
        if entry.started and not entry.done:
            self.running -= 1
        entry.done = True
        entries = self._entries
        if self.closed or not entries or entries[0] is not entry:
            return False
        while entries and entries[0].done:
            over = entries.popleft()
            self._discount(over)
            self.position = over.fetched.offset + 1
        return True

    def crowded(self) -> bool:
        """A whole window of fetched records waits for room: the partition should not be polled now."""
        return len(self._waiting) >= self._size

    def roomy(self) -> bool:
        """Little enough waits that the partition should be polled again."""
        return len(self._waiting) <= self._size // 2

    def wants_more(self) -> bool:
        """Enough room for waiting records that it is worth admitting some."""
        return (
            bool(self._waiting)
            and self._places <= self._size // 2
            and len(self._entries) <= self._most // 2
        )

    @property
    def under_way(self) -> int:
        """Records started and not yet acknowledged, with those behind them that are done."""
        return len(self._entries)

    @property
    def head(self) -> Entry | None:
        """The record that all later ones of the partition wait for; ``None`` when nothing is under way."""
        return self._entries[0] if self._entries else None

    @property
    def committable(self) -> int | None:
        """Offset to commit; ``None`` when nothing is new."""
        return None if self.position == self.committed else self.position

    def close(self) -> None:
        """Ends the assignment: nothing of this window starts or is acknowledged any more."""
        self.closing = self.closed = True
        self._entries.clear()
        self._waiting.clear()
        self._keys.clear()
        self._places = self._bytes = 0

    def has_seen(self, event_id: str) -> bool:
        """Whether an event of this id was finished in this window."""
        return event_id in self._seen

    def remember(self, event_id: str) -> None:
        """Notes a finished event, forgetting the oldest beyond the bound."""
        seen = self._seen
        seen[event_id] = None
        if len(seen) > self._remembered:
            seen.popitem(last=False)


class KeyQueue:
    """Records in line by key. A key with a record running is busy; its next one starts when that one ends."""

    __slots__ = ("_busy", "ready")

    def __init__(self) -> None:
        self.ready: deque[Entry] = deque()
        self._busy: dict[tuple[str, bytes], deque[Entry]] = {}

    def line_up(self, entries: Iterable[Entry]) -> None:
        """Adds admitted records: to ``ready``, or behind the running one of their key."""
        busy = self._busy
        for entry in entries:
            key = entry.fetched.key
            if key is None:
                self.ready.append(entry)
                continue
            lane = busy.get((entry.window.subject, key))
            if lane is None:
                busy[(entry.window.subject, key)] = deque()
                self.ready.append(entry)
            else:
                lane.append(entry)

    def step(self, entry: Entry) -> None:
        """Ends a record's turn; the next of its key, if its window still stands, becomes ready."""
        key = entry.fetched.key
        if key is None:
            return
        lane = self._busy[(entry.window.subject, key)]
        while lane:
            following = lane.popleft()
            if not following.window.closing:
                self.ready.append(following)
                return
        del self._busy[(entry.window.subject, key)]
