"""A forge's Markdown: how outside text becomes something that can be read and can do nothing, and what differs by forge.

Outside text comes from logs, alerts, clusters or a model. A forge acts on text more than once: its Markdown parser, filters
on the rendered text (mentions, references, emoji, addresses), commands at the start of a line. ``prose``, ``cell``, ``code``
and ``title`` leave none of that active in whatever they are given.
"""

from __future__ import annotations

from typing import Protocol

from kfix.incident.forge.capabilities import Capabilities


class Dialect(Protocol):
    """One forge's Markdown. Pure: the same text gives the same text."""

    def __hash__(self) -> int:
        """What renders its pages is made once for each."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this forge's pages can do."""
        ...

    def prose(self, text: str, limit: int = 500) -> str:
        """Outside text inside a Markdown line of ours, at most ``limit`` characters of it."""
        ...

    def cell(self, text: str, limit: int = 300) -> str:
        """``prose`` inside a table cell."""
        ...

    def code(self, text: str, limit: int = 200) -> str:
        """A short outside value as a code span that it cannot leave."""
        ...

    def title(self, text: str, limit: int = 200) -> str:
        """Outside text in a merge request's title."""
        ...

    def label(self, text: str) -> str:
        """A label's value."""
        ...

    def line(self, text: str) -> str:
        """A paragraph that may begin with outside text: never a command of the forge."""
        ...

    def details(self, summary: str, body: str) -> str:
        """Something to unfold. ``summary`` is ours alone."""
        ...

    def push(self, target: str) -> str:
        """The shell command that pushes the branch one is on and proposes it for ``target``, a checked branch name."""
        ...
