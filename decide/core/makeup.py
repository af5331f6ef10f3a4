"""What a case is made of, and how far that lies from the cases that rules were written with. Pure.

Rules were written with a few collections of cases. An answer to a case of quite another make-up (ten times as many
objects, no logs at all, words of a controller that no rule knows) is worth less than the same answer at home.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from decide.core.explained import known_words, warnings
from decide.core.view import ClusterView

#: Doublings beyond a fitted range from which a number counts as altogether strange.
_FAR = 1.0
#: Share of the numbers that must be altogether strange for the case to be so: two of seven.
_ALL = 0.29
Makeup = tuple[float, ...]
#: Least and most of each number.
Ranges = tuple[tuple[float, float], ...]


def makeup(view: ClusterView) -> Makeup:
    """Doublings of workloads, objects, kinds, events, lines of logs and series, and of reasons that no class knows."""
    return view.memo("makeup", lambda: _makeup(view))


def _makeup(view: ClusterView) -> Makeup:
    listed = view.bundle.k8s_context.objects
    reasons = {event.reason for event in warnings(view)}
    counted = (
        len(view.workloads),
        sum(map(len, listed.values())),
        len(listed),
        len(view.events),
        sum(len(log.lines) for log in view.bundle.logs),
        len(view.bundle.metrics),
        len(reasons - known_words()),
    )
    return tuple(round(math.log2(1 + n), 1) for n in counted)


def strangeness(made: Makeup, known: Ranges) -> float:
    """How far a make-up lies outside of what is known, 0 (inside) to 1; 0 where nothing is known."""
    if not known:
        return 0.0
    beyond = (max(least - n, n - most, 0.0) for n, (least, most) in zip(made, known, strict=True))
    share = sum(min(1.0, far / _FAR) for far in beyond) / len(made)
    return round(min(1.0, share / _ALL), 3)


def ranges(made: Sequence[Makeup]) -> Ranges:
    """Least and most of each number among cases."""
    return tuple((min(column), max(column)) for column in zip(*made, strict=True))


def hull(known: Iterable[Ranges]) -> Ranges:
    """Least and most of each number in any of several collections; empty without any."""
    columns = zip(*(one for one in known if one), strict=True)
    return tuple((min(n for n, _ in pairs), max(n for _, n in pairs)) for pairs in columns)
