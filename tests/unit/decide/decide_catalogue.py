"""All faults of all families."""

import decide_faults_control  # noqa: F401
import decide_faults_more  # noqa: F401
import decide_faults_network  # noqa: F401
import decide_faults_programs  # noqa: F401
from decide_faults import FAULTS

__all__ = ["FAULTS"]
