"""The forges that hold repositories and merge requests, one folder each. What they share is ``kfix.incident.forge``."""
