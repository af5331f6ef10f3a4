"""A small Datadog: API v1 and v2 as the official client uses them, and webhooks as Datadog sends them.

``create_app(Datadog(), faults)`` is the service; ``notify`` moves a monitor and sends its webhooks.
"""

from sandbox.datadog.api import create_app
from sandbox.datadog.notify import Delivery, change_state, notify, send_webhooks
from sandbox.datadog.state import Datadog

__all__ = ["Datadog", "Delivery", "change_state", "create_app", "notify", "send_webhooks"]
