"""console: every record of every topic comes in; pages and JSON for people go out, and their feedback.

Promised: an incident is readable at every stage of its life, whatever order its records come in; what came from outside
is shown as text and nothing else; no script, no asset from elsewhere.
"""

from typing import TYPE_CHECKING

from kfix.engine.runtime.app_attribute import app_of

if not TYPE_CHECKING:
    __getattr__ = app_of(__name__)
