"""console: every record of every topic comes in; pages and JSON for people go out, and their feedback.

Promised: an incident is readable at every stage of its life, whatever order its records come in; what came from outside
is shown as text and nothing else; no script, no asset from elsewhere.
"""

from typing import TYPE_CHECKING

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """``app``, the Faust app of ``faust -A console worker``: made when it is asked for, as it reads settings."""
        if name != "app":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from console.agent import app as stage
        from kfix.engine.runtime.command_line import faust_app

        return faust_app(stage)
