"""safety: candidate plans come in, the same plans with every check's verdict and numbers go out.

Promised: the edited document is what is checked, and its hash travels on; a check that cannot be made says ``unknown``,
and ``unknown`` never passes in production; rejected plans carry their reason on; nothing is written to a cluster.
"""

from typing import TYPE_CHECKING

from kfix.engine.runtime.app_attribute import app_of

if not TYPE_CHECKING:
    __getattr__ = app_of(__name__)
