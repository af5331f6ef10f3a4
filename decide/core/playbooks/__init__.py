"""Playbooks: kinds of failure that people add in YAML, with conditions in CEL and typed plans. Pure.

``compile_all(sources) -> Playbooks`` (all or none), ``find(view, playbooks, language)`` for the diagnosis,
``look(view, compiled)`` for people who write one. The files: ``docs/playbooks.md``.
"""

from __future__ import annotations

from decide.core.playbooks.compiling import NONE, Compiled, Playbooks, compile_all
from decide.core.playbooks.matching import Trace, find, look, rule_of
from decide.core.playbooks.reading import BadPlaybooks, PlaybookSource, Problem
from decide.core.playbooks.shape import Playbook

__all__ = [
    "NONE",
    "BadPlaybooks",
    "Compiled",
    "Playbook",
    "PlaybookSource",
    "Playbooks",
    "Problem",
    "Trace",
    "compile_all",
    "find",
    "look",
    "rule_of",
]
