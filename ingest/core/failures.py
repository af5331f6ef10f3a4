"""How often an address may fail. Pure.

Only requests that fail are counted, and only they are answered 429: what is authentic is taken however fast it comes,
also from an address that somebody else behind it fails from. So the bound cannot lose an alert, and cannot be used to
lock a sender out; it keeps guesses and misconfigured clients out of the logs.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass

#: Addresses remembered; the one that failed longest ago is forgotten first.
_ADDRESSES = 4_096


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float
    told: bool = False


@dataclass(frozen=True, slots=True)
class Excess:
    """Too many failures. ``first``: nobody was told of this excess yet."""

    retry_after_s: int
    first: bool


class Failures:
    """A bucket an address: ``per_minute`` failures at once, refilled evenly over a minute. 0: no bound."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def failed(self, address: str, now_s: float) -> Excess | None:
        """Counts a failure; the excess when there were too many. ``now_s`` never goes back."""
        if self._per_minute <= 0:
            return None
        name = _network(address)
        bucket = self._buckets.pop(name, None) or _Bucket(self._per_minute, now_s)
        self._buckets[name] = bucket
        if len(self._buckets) > _ADDRESSES:
            self._buckets.popitem(last=False)
        rate = self._per_minute / 60
        bucket.left = min(self._per_minute, bucket.left + (now_s - bucket.at_s) * rate)
        bucket.at_s = now_s
        if bucket.left >= 1:
            bucket.left -= 1
            bucket.told = False
            return None
        first, bucket.told = not bucket.told, True
        return Excess(max(1, math.ceil((1 - bucket.left) / rate)), first)


def _network(address: str) -> str:
    """IPv6 hosts have a whole /64 each."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
