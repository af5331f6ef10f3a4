"""The small relay as the app that Faust's own command line starts: ``faust -A tests.pipeline.small_faust worker``."""

from __future__ import annotations

from kfix.engine.runtime.command_line import faust_app
from tests.pipeline.small_stages import relay

app = faust_app(relay)
