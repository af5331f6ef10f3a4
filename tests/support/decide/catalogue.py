"""All faults of all families: each module ``faults_*`` of this folder registers its own."""

from importlib import import_module
from pkgutil import iter_modules

from tests.support import decide
from tests.support.decide.faults import FAULTS
from tests.support.decide.faults_symptoms import CALM

__all__ = ["CALM", "FAULTS"]

for _found in iter_modules(decide.__path__):
    if _found.name.startswith("faults_"):
        import_module(f"{decide.__name__}.{_found.name}")
