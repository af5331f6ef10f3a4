"""learn: merge request events come in, outcomes go out, and earlier incidents become findable.

Promised: a merge is followed by a check after a settable time, crash or not; what could not be measured is said to be
unknown; one outcome per incident and plan; a person's feedback is kept and counts.
"""

from typing import TYPE_CHECKING

from kfix.engine.runtime.app_attribute import app_of

if not TYPE_CHECKING:
    __getattr__ = app_of(__name__)
