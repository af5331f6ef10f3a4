"""publish: what may be published becomes a merge request and a message to people.

Reads ``plans.validated``, ``mr.events`` and ``outcomes``; writes ``mr.events`` (``opened``, ``updated``, ``declined``,
``revert_opened``, and ``feedback`` of people who may judge).
Promises: one merge request for an incident whatever is killed (the branch is a function of the incident); the text that
was proven is the text that is committed, or nothing is; what the repository's owners do not allow is not proposed; orders
in comments are taken from who may develop in the project, once each; no outside text is active in a description, note or
message; a chat that is away never holds up or doubles a merge request; production never merges by itself; a merged fix that did
not hold is proposed to be taken back once, for people to merge; in ``observe`` mode nothing outside is touched.
"""

from typing import TYPE_CHECKING

from kfix.engine.runtime.app_attribute import app_of

if not TYPE_CHECKING:
    __getattr__ = app_of(__name__)
