"""decide: a context bundle comes in, a diagnosis with ranked plans or an abstention goes out.

Promised: rules decide alone and in milliseconds; a model's answer can only choose from closed lists; a playbook
that cannot be used keeps the stage from starting; one trouble is one incident, whatever number of alerts, redeliveries
and replicas there are; a merged fix that did not hold is followed by at most two further attempts, and is not proposed again.
"""

from typing import TYPE_CHECKING

from kfix.engine.runtime.app_attribute import app_of

if not TYPE_CHECKING:
    __getattr__ = app_of(__name__)
