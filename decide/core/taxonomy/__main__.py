"""``python -m decide.core.taxonomy > docs/failure-classes.md``."""

import sys

from decide.core.taxonomy import table

sys.stdout.write(table())
