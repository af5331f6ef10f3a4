"""Sentences for people, in every language that they are read in.

Whoever has something to say calls ``say`` with the id of a catalogue's entry and what it is filled with::

    return result("resource_quota", "fail", say("safety.quota.exceeded", quota=name, resource=resource, …))
    yield Fact("object", say("resources.oom.killed", container=c.name, limit=limit), workload.ref)
    Finding(…, detail=say("resources.oom.detail", peak=peak), against=[say("decide.not_collected", what="metrics")])
    Draft(…, title=say("resources.memory.title", limit=new), why=say(…), risks=[RESTART], time=say(…))

The result is a ``str`` in English that carries its ``Text``; records put it beside the sentence (``schemas.text.Spoken``),
and ``told`` makes the sentence in the reader's language. ``locales/<language>/<area>.yaml`` has the entries of the ids that
begin with ``<area>.``; keys may be nested. In an entry:

``{name}``
    the parameter. A list's items are joined by ``, ``, by ``{names:; }`` with another separator.
``{share:.0%}``, ``{cores:.2f}``
    a number in Python's format, with the language's decimal mark and percent sign.
``{n?pod|pods}``
    the first word where the language has n in the singular, else the second.
``{{``, ``}}``
    braces.

Pure but for package data, which is read once, an area and language at a time, when the first sentence of it is made.
"""

from kfix.texts.catalogue import LANGUAGES, Language, ids, language_of
from kfix.texts.retelling import retold
from kfix.texts.saying import both, in_language, known, render, say, told, told_all, word

__all__ = [
    "LANGUAGES",
    "Language",
    "both",
    "ids",
    "in_language",
    "known",
    "language_of",
    "render",
    "retold",
    "say",
    "told",
    "told_all",
    "word",
]
