"""Finds the line that declares a field of a Kubernetes object and changes it, and no other byte. Pure: text in, text out.

``propose`` takes a repository's files and typed changes and gives proven file edits, or a ``EditRefused`` with a code.
Below it: ``index`` and ``locate`` (object to document), ``planning`` (changes to edits), ``editor`` (edits to text).
"""

from __future__ import annotations

from manifests.proposal.propose import propose
from manifests.refused import EditRefused, NotEditable, RefusalCode
from manifests.text.editor import Patched, amend, patch

__all__ = ["EditRefused", "NotEditable", "Patched", "RefusalCode", "amend", "patch", "propose"]
