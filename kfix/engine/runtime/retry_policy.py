"""What happens to a record whose attempt failed: wait here, wait in the retry topic, go on without, or give up. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kfix.engine.runtime.settings import Runtime
from schemas import errors


@dataclass(frozen=True, slots=True)
class Again:
    """Try again in place after ``wait_s`` seconds."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class Later:
    """To the retry topic; due in ``wait_s`` seconds."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """To the dead letters."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """With the result that the failure carries: asking again is used up."""


Verdict = Again | Later | GiveUp | GoOn


def after_failure(
    failure: BaseException, *, attempt: int, round_: int, chance: float, settings: Runtime
) -> Verdict:
    """The verdict on the ``attempt``-th failure (from 1) in a round (from 0).

    Only ``errors.Retryable`` is tried again. The wait doubles with each attempt and up to half of it is taken off by
    ``chance`` (0 to 1), so that many records do not come back at once; a service's own wish is a lower bound.
    A wait too long for the place goes to the retry topic, where it holds up nobody.
    """
    if isinstance(failure, errors.Unanswered):
        # Its clients have repeated the call in place already.
        if round_ >= min(failure.rounds, settings.retry_rounds):
            return GoOn()
        first_s = min(failure.wait_s, settings.retry_delay_s)
        return Later(min(first_s * 2**round_, settings.retry_delay_max_s) * (1 - chance / 2))
    if not isinstance(failure, errors.Retryable):
        return GiveUp()
    wish_s = failure.retry_after_s or 0.0
    if attempt < settings.attempts:
        wait_s = max(settings.backoff_s * 2 ** (attempt - 1) * (1 - chance / 2), wish_s)
        if wait_s <= settings.backoff_max_s:
            return Again(wait_s)
    if round_ >= settings.retry_rounds:
        return GiveUp()
    delay_s = min(settings.retry_delay_s * 2**round_, settings.retry_delay_max_s)
    return Later(max(delay_s * (1 - chance / 2), wish_s))
