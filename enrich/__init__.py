"""enrich: a raw alert comes in, a context bundle goes out, the same shape for every kind of alert.

Promised: all sources are asked at once, each with a deadline; one that fails is named in the bundle and blocks nothing;
the number of calls does not grow with the cluster; nothing secret leaves this stage.
"""

from typing import TYPE_CHECKING

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """``app``, the Faust app of ``faust -A enrich worker``: made when it is asked for, as it reads settings."""
        if name != "app":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from enrich.agent import app as stage
        from kfix.engine.runtime.command_line import faust_app

        return faust_app(stage)
