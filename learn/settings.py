"""Settings of learn. ``KFIX_LEARN_*``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class Learn(Settings):
    """How a merged fix is watched, and how long a merge request is waited for."""

    model_config = SettingsConfigDict(env_prefix="KFIX_LEARN_")

    #: Seconds from the change being live in the cluster to the verdict. 15 minutes: a rollout, and some minutes of metrics
    #: after it.
    check_after_s: float = Field(default=900.0, ge=0)
    #: Seconds between two looks at a merged change. A minute: metrics and alerts are judged about as often.
    look_every_s: float = Field(default=60.0, gt=0)
    #: Seconds after the end of that time until which it is looked whether two looks agree, while something cannot be
    #: measured. Half an hour: rules that look back ten or fifteen minutes have let go of the trouble by then.
    settle_s: float = Field(default=1_800.0, ge=0)
    #: Seconds from the merge until which the change should be live; then an outcome says that it is not. An hour: GitOps
    #: tools pull every few minutes, and a rollout of many pods takes its time.
    live_within_s: float = Field(default=3_600.0, ge=0)
    #: Seconds between two looks for a change that is late, and from the merge until which it is looked for. A day: what is
    #: synced by hand is synced on the next working day.
    late_every_s: float = Field(default=600.0, gt=0)
    give_up_after_s: float = Field(default=86_400.0, gt=0)
    #: Seconds after a success in which an alert of the same trouble counts against the fix. A day: what comes back later may
    #: have a cause of its own, and most loads have shown themselves within a day.
    came_back_within_s: float = Field(default=86_400.0, ge=0)
    #: Seconds between looks at what is due.
    poll_s: float = Field(default=5.0, gt=0)
    #: Seconds that a replica holds a look it works on; then another may take it.
    lease_s: float = Field(default=120.0, gt=0)
    #: Looks taken at once.
    batch: int = Field(default=20, ge=1)
    #: Days after which a merge request that nobody decided on counts as expired.
    expiry_days: float = Field(default=14.0, gt=0)
    #: Seconds after which GitLab is asked again about one that would have expired, where it did not answer. An hour: an
    #: outage ends within, and a project that we may not read any more costs a request an hour.
    ask_again_s: float = Field(default=3600.0, gt=0)
