"""``python -m decide.core.proof > docs/proof-of-plans.md``."""

import sys

from decide.core.proof.page import page

sys.stdout.write(page())
