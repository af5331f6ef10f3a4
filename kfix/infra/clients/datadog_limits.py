"""Datadog's rate limits, as its answers tell them: who used a limit up asks no more until it is reset.

``X-RateLimit-Name`` names the limit, ``-Remaining`` what is left of it, ``-Reset`` the seconds until it is whole again
(https://docs.datadoghq.com/api/latest/rate-limits/). RateLimits are the organisation's: others use them up as well, so that an
answer 429 is met all the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from schemas import errors

#: The longest that an answer is believed to close a limit, in seconds: a day.
_LONGEST_S = 86_400.0
_NUMBER = re.compile(r"/[^/]*\d[^/]*(?=/|$)")


class RateLimits:
    """The limits that were met. ``clock`` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._name_of: dict[str, str] = {}
        self._closed_until: dict[str, float] = {}

    def check(self, url: str) -> None:
        """Raises errors.RateLimited with the time to wait while the call's limit is known to be used up."""
        name = self._name_of.get(_call(url), "")
        left = self._closed_until.get(name, 0.0) - self._clock()
        if left > 0:
            text = f"Datadog's limit {name!r} is used up for {left:.0f} s"
            raise errors.RateLimited(text, retry_after_s=left)

    def told(self, url: str, headers: Mapping[str, str]) -> None:
        """Notes what an answer says of its limit; one that says nothing that can be read changes nothing."""
        name = headers.get("x-ratelimit-name") or _call(url)
        remaining = headers.get("x-ratelimit-remaining", "")
        reset = headers.get("x-ratelimit-reset", "")
        if not (remaining.isdecimal() and reset.isdecimal()):
            return
        self._name_of[_call(url)] = name
        if int(remaining) == 0:
            self._closed_until[name] = self._clock() + min(float(reset), _LONGEST_S)
        else:
            self._closed_until.pop(name, None)


def _call(url: str) -> str:
    """The call without the ids in its path, the versions' numbers kept."""
    path = urlsplit(url).path
    version, _, rest = path.removeprefix("/api/").partition("/")
    return f"{version}{_NUMBER.sub('/…', '/' + rest)}"
