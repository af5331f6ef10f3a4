"""What one forge can do and another cannot, as far as texts and labels depend on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Facts about a forge. All of them are read by what makes a merge request's text."""

    #: What joins a label's scope and value, as in ``env::staging``.
    label_scope: str
    #: What a title begins with while people must not merge yet; empty where the forge has a switch for that.
    draft_prefix: str
    #: Characters of a description that the forge takes.
    longest_description: int
