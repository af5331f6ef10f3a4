"""Settings of the console. ``KFIX_CONSOLE_*``."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, SecretStr
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class Console(Settings):
    """Where the console listens and who may look."""

    model_config = SettingsConfigDict(env_prefix="KFIX_CONSOLE_")

    #: Loopback unless told otherwise: incidents hold logs and cluster state; put your sign-on in front.
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    #: With it every page and call needs it: HTTP basic (any user name) in a browser, or as bearer token.
    token: SecretStr = SecretStr("")
    #: Header in which the sign-on in front names the person (``X-Forwarded-User``), who then stands behind what is said.
    #: Empty: people write their names. Set it only where nobody but the sign-on reaches the console: whoever does can
    #: write the header.
    user_header: str = Field(default="", pattern=r"^[A-Za-z0-9-]*$")
    #: Incidents on one page of the list.
    page_size: int = Field(default=50, ge=1, le=500)
    #: Money for a million tokens, read and written, by ``provider/model``: ``{"mistral/mistral-large-latest": [2.0, 6.0]}``.
    #: Contracts differ, so there is none by default; without a price no money is told for a model.
    model_prices: dict[str, tuple[NonNegativeFloat, NonNegativeFloat]] = Field(default_factory=dict)
    #: Currency of the prices, as it is shown.
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    #: Seconds for which figures of trust are shown again before they are counted anew.
    trust_cache_s: int = Field(default=60, ge=0)
    #: Seconds after which a page of an incident that is still moving loads itself again; 0 never.
    refresh_s: int = Field(default=5, ge=0)
