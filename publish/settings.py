"""Settings of publish. Prefix ``KFIX_PUBLISH_``."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class Publish(Settings):
    """Where merge requests and messages go, and how many."""

    model_config = SettingsConfigDict(env_prefix="KFIX_PUBLISH_")

    #: Namespace to GitLab user name; ``*`` for all others. Empty: nobody is assigned.
    assignees: dict[str, str] = Field(default_factory=dict)
    #: Namespace to GitLab user names asked for review; ``*`` for all others.
    reviewers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    #: Ask the owners of the changed files too, as CODEOWNERS names them.
    codeowners: bool = True
    #: People asked for review at most. GitLab Free keeps the first one.
    reviewers_at_most: int = Field(default=3, ge=0)
    #: Confidence below which a merge request is opened as a draft, which cannot merge until a person says it is ready.
    #: Rules believe 0.7 where wrong settings and symptoms fit, and 0.5 where only one of them was seen.
    draft_below: float = Field(default=0.6, ge=0.0, le=1.0)
    #: Seconds between two comments about later alerts of one incident: an hour keeps a flapping alert readable.
    note_every_s: float = Field(default=3600.0, ge=0)
    #: Seconds that a merge request closed without a merge counts as a decision about that fix: two weeks.
    remember_closed_s: float = Field(default=14 * 86400.0, ge=0)
    #: Seconds that people can silence an incident for at most: a month.
    snooze_at_most_s: float = Field(default=30 * 86400.0, ge=0)
    #: Users whose comments are no person's words, beside those that GitLab's names of bots tell (``project_1_bot_x``,
    #: ``…-bot``): reviewers that are programs. None: most houses name theirs so.
    machines: tuple[str, ...] = ()
    #: Open merge requests of K-Fix in one repository: what reviewers of a team can look at in a day.
    open_per_project: int = Field(default=20, ge=1)
    #: Merge requests that K-Fix opens in one repository within an hour: a storm of different troubles has one cause that a
    #: person should look for.
    opened_per_hour: int = Field(default=10, ge=1)
    #: So many merge requests closed unmerged in a row and K-Fix pauses in that repository.
    breaker: int = Field(default=5, ge=1)
    #: Seconds to wait for the pipeline of a fresh merge request that may merge by itself. Later its webhook tells.
    merge_check_s: float = Field(default=10.0, ge=0)
    #: Seconds between two readings of what GitLab says of a project's merge requests, beside its webhooks. 5 minutes: a lost
    #: merge is known before its check after 15, and one request for a project is nothing to GitLab's 2,000 a minute.
    reread_every_s: float = Field(default=300.0, gt=0)
    #: Seconds that a replica holds a project it reads, and the wait after a failure: two requests with their repeats.
    reread_lease_s: float = Field(default=120.0, gt=0)
    #: Slack: an incoming webhook, or a bot token with a channel (then the message's id is kept). Empty: not told.
    slack_webhook_url: SecretStr = SecretStr("")
    slack_token: SecretStr = SecretStr("")
    slack_channel: str = ""
    #: Address of Slack's Web API; another one for a proxy or the sandbox.
    slack_api_url: str = "https://slack.com/api/"
    #: Teams: a Workflows webhook. Its address is the secret.
    teams_url: SecretStr = SecretStr("")
    #: Teams: the address of a legacy connector, served through pymsteams.
    teams_legacy_url: SecretStr = SecretStr("")
    #: Seconds for one message; a chat never holds up a merge request longer than three of these.
    chat_timeout_s: float = Field(default=5.0, gt=0)
