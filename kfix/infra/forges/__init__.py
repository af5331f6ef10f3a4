"""The forges that hold repositories and merge requests, a folder each. What stages ask of one is ``kfix.incident.forge``."""

from __future__ import annotations

#: Names of the folders.
FORGES = ("gitlab",)
