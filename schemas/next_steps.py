"""What people can look at or run next, where an answer hands over to them."""

from __future__ import annotations

from schemas.text import Spoken, Text


class NextStep(Spoken):
    """One thing to look at. Of ``command`` and ``link`` either may be empty."""

    #: One sentence for people: what to look at, and for what. May quote outside text; never a command itself.
    what: str
    #: A line for a shell that reads and changes nothing: ``kubectl`` with a reading verb, or a registry's client
    #: (``docker manifest inspect``, ``skopeo list-tags``). The same in every language.
    command: str = ""
    #: A page that shows it, from configured bases only.
    link: str = ""
    what_text: Text | None = None
