"""decide: a context bundle comes in, a diagnosis with ranked plans or an abstention goes out.

Promised: rules decide alone and in milliseconds; a model's answer can only choose from closed lists; a playbook
that cannot be used keeps the stage from starting; one trouble is one incident, whatever number of alerts, redeliveries
and replicas there are.
"""

from typing import TYPE_CHECKING

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """``app``, the Faust app of ``faust -A decide worker``: made when it is asked for, as it reads settings."""
        if name != "app":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from decide.agent import app as stage
        from kfix.engine.runtime.command_line import faust_app

        return faust_app(stage)
