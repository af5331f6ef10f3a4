"""ingest: the door. What comes in: webhooks of ``ingest.sources``. What goes out: ``alerts.raw`` and ``mr.events``.

Promised:
- a 202 means that the broker has the record, or the dead letter, on all in-sync replicas; when it is away the answer
  is 503, which senders repeat;
- nothing without a valid token or signature is read further, stored or logged;
- what is authentic is never lost: what cannot be read is kept as it came, with the reason, in the dead letters;
- the same delivery gets the same ``event_id``, so a repeated one is dropped downstream.
"""

from typing import TYPE_CHECKING

from kfix.engine.runtime.app_attribute import app_of

if not TYPE_CHECKING:
    __getattr__ = app_of(__name__)
