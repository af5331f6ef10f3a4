"""One bound on what this process has under way at one API server, whichever stages ask.

A request has its turn until its answer is read or it is given up. Giving up closes its connection (HTTP/1.1), on which
the API server cancels the request, in its queue as well: net/http's ``Request.Context``, and kubernetes.io,
"API Priority and Fairness". So what K-Fix counts is what the server has, but for the moment of the closing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from weakref import WeakValueDictionary


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Turns:
    """Turns at one API server in one event loop; who waits is served in the order of coming."""

    #: Held, so that no later loop takes this one's place in memory, and with it its turns.
    loop: asyncio.AbstractEventLoop
    gate: asyncio.Semaphore


_OPEN: WeakValueDictionary[tuple[int, str], Turns] = WeakValueDictionary()


def turns_at(url: str, at_once: int) -> Turns:
    """The turns at the API server of this address, shared by all who hold them; ``at_once`` is the first holder's."""
    loop = asyncio.get_running_loop()
    turns = _OPEN.get((id(loop), url))
    if turns is None:
        turns = _OPEN[id(loop), url] = Turns(loop, asyncio.Semaphore(at_once))
    return turns
