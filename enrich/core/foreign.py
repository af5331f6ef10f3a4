"""Files that people add to a capture and that hold no objects: what they are, and what to give instead. Pure."""

from __future__ import annotations

import re

from kfix.texts import say

#: Characters of a file's beginning that are looked at.
HEAD = 4_096
#: kubectl's columns are at least three blanks apart.
_TABLE = re.compile(r"\A\s*(?:(?:NAMESPACE|LAST SEEN|CONTEXT) {2,})?(?:[A-Z][A-Z-]+ {2,}){2,}[A-Z]")
_TABLE_OF_TWO = re.compile(r"\A\s*(?:NAMESPACE {2,})?NAME {2,}[A-Z][A-Z-]+")
_DESCRIBED = re.compile(
    r"\A\s*Name: {2,}\S.*\n(?:.*\n){0,6}?(?:Namespace|Labels|Roles|Annotations|Priority):"
)
#: Its own log (klog) and warnings may stand before what it says.
_REFUSED = re.compile(
    r"\A\s*(?:(?:[EWI]\d{4} |Warning: )[^\n]*\n\s*)*(Error from server[^\n]*|error: [^\n]*|The connection to the server[^\n]*|Unable to connect[^\n]*)"
)


def foreign(head: str) -> str:
    """What a text is instead of an object, and what to give instead; empty where that cannot be told."""
    if _DESCRIBED.match(head):
        return say("enrich.foreign.described")
    if _TABLE.match(head) or _TABLE_OF_TWO.match(head):
        return say("enrich.foreign.table")
    refused = _REFUSED.match(head)
    return say("enrich.foreign.refused", said=refused[1].strip()[:160]) if refused else ""
