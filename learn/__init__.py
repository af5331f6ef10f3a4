"""learn: merge request events come in, outcomes go out, and earlier incidents become findable.

Promised: a merge is followed by a check after a settable time, crash or not; what could not be measured is said to be
unknown; one outcome per incident and plan; a person's feedback is kept and counts.
"""

from typing import TYPE_CHECKING

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """``app``, the Faust app of ``faust -A learn worker``: made when it is asked for, as it reads settings."""
        if name != "app":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from kfix.engine.runtime.command_line import faust_app
        from learn.agent import app as stage

        return faust_app(stage)
