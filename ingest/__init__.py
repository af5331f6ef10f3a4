"""ingest: the door. What comes in: webhooks of ``ingest.sources``. What goes out: ``alerts.raw`` and ``mr.events``.

Promised:
- a 202 means that the broker has the record, or the dead letter, on all in-sync replicas; when it is away the answer
  is 503, which senders repeat;
- nothing without a valid token or signature is read further, stored or logged;
- what is authentic is never lost: what cannot be read is kept as it came, with the reason, in the dead letters;
- the same delivery gets the same ``event_id``, so a repeated one is dropped downstream.
"""

from typing import TYPE_CHECKING

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """``app``, the Faust app of ``faust -A ingest worker``: made when it is asked for, as it reads settings."""
        if name != "app":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from ingest.agent import app as stage
        from kfix.engine.runtime.command_line import faust_app

        return faust_app(stage)
