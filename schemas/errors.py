"""Every failure K-Fix can meet, in one tree.

The runtime decides by type alone: ``Retryable`` goes back in line, ``Permanent`` and ``Defect`` go to the dead letters.
Outcomes that people should read (a refused edit, an abstention, a failed check) are values, not exceptions.

    KFixError
    ├── Retryable            the world may recover: retry with back-off
    │   ├── Unavailable        a service did not answer, or answered 5xx
    │   ├── TimedOut           an external call outlived its time-out
    │   ├── RateLimited        429; carries how long to wait
    │   ├── Unanswered         a source that decides did not answer; carries what goes on without it
    │   └── Moved              optimistic lock lost (409, stale base): read again and redo
    ├── Permanent            the world never will: dead letter
    │   ├── Undecodable        bytes that are no record of the topic
    │   ├── Unauthorized       401 or 403: a person must mend credentials
    │   ├── NotFound           404: what was asked for is not there
    │   └── Rejected           the service understood and refused (400, 422)
    └── Defect               our bug: dead letter and alarm
"""

from __future__ import annotations


class KFixError(Exception):
    """Root of the tree. ``reason`` is a stable snake_case word for metrics; the message is for people."""

    reason = "error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class Retryable(KFixError):
    """The world may recover. ``retry_after_s`` is the service's own wish, ``None`` when it named none."""

    reason = "retryable"

    def __init__(
        self, message: str, *, reason: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_s = retry_after_s


class Unavailable(Retryable):
    """A service did not answer, closed the connection, answered 5xx, or answered what is no answer to the question.

    The last has reason ``malformed``, ``another_answer``, or ``unforeseen`` where a client raised what it documents nowhere.
    """

    reason = "unavailable"


class TimedOut(Retryable):
    """An external call outlived its time-out."""

    reason = "timed_out"


class RateLimited(Retryable):
    """429 or its equivalent."""

    reason = "rate_limited"


class Unanswered(Retryable):
    """What decides could not be asked. The record is asked again through the retry topic, in ``rounds`` at most.

    ``wait_s`` is the first wait; it doubles each round. After the last round ``otherwise``, the handler's result
    without that answer, goes on in the place of a dead letter.
    """

    reason = "unanswered"

    def __init__(
        self, message: str, *, otherwise: object, rounds: int, wait_s: float = 15.0
    ) -> None:
        super().__init__(message)
        self.otherwise = otherwise
        self.rounds = rounds
        self.wait_s = wait_s


class Moved(Retryable):
    """An optimistic lock was lost: the thing changed between read and write."""

    reason = "moved"


class Permanent(KFixError):
    """The world never will: retrying the same call cannot help."""

    reason = "permanent"


class Undecodable(Permanent):
    """Bytes that are no record of their topic."""

    reason = "undecodable"


class Unauthorized(Permanent):
    """401 or 403: credentials or rights are wrong, a person must mend them."""

    reason = "unauthorized"


class NotFound(Permanent):
    """404: what was asked for is not there."""

    reason = "not_found"


class Rejected(Permanent):
    """The service understood the request and refused it (400, 405, 422)."""

    reason = "rejected"


class Defect(KFixError):
    """Our own bug."""

    reason = "defect"
