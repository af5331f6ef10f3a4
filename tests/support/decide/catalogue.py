"""All faults of all families."""

from tests.support.decide import (
    faults_control,  # noqa: F401
    faults_more,  # noqa: F401
    faults_network,  # noqa: F401
    faults_programs,  # noqa: F401
    faults_symptoms,  # noqa: F401
)
from tests.support.decide.faults import FAULTS
from tests.support.decide.faults_symptoms import CALM

__all__ = ["CALM", "FAULTS"]
