"""All faults of all families."""

import decide_faults_network  # noqa: F401
from decide_faults import FAULTS

__all__ = ["FAULTS"]
