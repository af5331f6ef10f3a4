"""enrich: a raw alert comes in, a context bundle goes out, the same shape for every kind of alert. A merged fix that did not
hold (``outcomes``) has its alert gathered for once more.

Promised: all sources are asked at once, each with a deadline; one that fails is named in the bundle and blocks nothing;
the number of calls does not grow with the cluster; nothing secret leaves this stage.
"""

from typing import TYPE_CHECKING

from kfix.engine.runtime.app_attribute import app_of

if not TYPE_CHECKING:
    __getattr__ = app_of(__name__)
