"""safety: candidate plans come in, the same plans with every check's verdict and numbers go out.

Promised: the edited document is what is checked, and its hash travels on; a check that cannot be made says ``unknown``,
and ``unknown`` never passes in production; rejected plans carry their reason on; nothing is written to a cluster.
"""

from typing import TYPE_CHECKING

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """``app``, the Faust app of ``faust -A safety worker``: made when it is asked for, as it reads settings."""
        if name != "app":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from kfix.engine.runtime.command_line import faust_app
        from safety.agent import app as stage

        return faust_app(stage)
