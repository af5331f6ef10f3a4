"""Settings to ports: where decide's composition is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources

from decide.adapters.ledger import SqlLedger, Windows
from decide.core.question import Prompt, parse_prompt
from decide.ports import IncidentLedger, Reasoner
from decide.settings import Decide
from kfix.settings import House, load
from kfix.store.engine import open_store

#: The prompt in use; outcomes are compared per version.
PROMPT_VERSION = "diagnose.v1"


@dataclass(frozen=True, slots=True)
class Ports:
    """What the handlers use. ``reasoner`` is ``None`` when no model is configured: rules alone."""

    ledger: IncidentLedger
    reasoner: Reasoner | None
    prompt: Prompt
    settings: Decide
    language: str


def load_prompt(language: str) -> Prompt:
    """The shipped prompt in this language. Raises FileNotFoundError for another language."""
    name = f"{PROMPT_VERSION}.{language}"
    text = resources.files("decide").joinpath("prompts", f"{name}.md").read_text("utf-8")
    return parse_prompt(text, name)


@asynccontextmanager
async def open_ports() -> AsyncIterator[Ports]:
    """Opens the ledger and, with a key, the model."""
    house, settings = load(House), load(Decide)
    engine = open_store(house.database_url.get_secret_value())
    windows = Windows(
        reopen=timedelta(minutes=settings.reopen_minutes),
        quiet=timedelta(hours=settings.quiet_hours),
        expiry=timedelta(days=settings.expiry_days),
    )
    reasoner = None
    if settings.mistral_api_key.get_secret_value() and settings.ask != "never":
        from decide.adapters.mistral import MistralReasoner

        reasoner = MistralReasoner(
            api_key=settings.mistral_api_key.get_secret_value(),
            url=settings.mistral_url,
            model=settings.mistral_model,
            timeout_s=settings.model_timeout_s,
            per_hour=settings.questions_per_hour,
            per_incident=settings.questions_per_incident,
        )
    try:
        yield Ports(
            SqlLedger(engine, windows),
            reasoner,
            load_prompt(house.language),
            settings,
            house.language,
        )
    finally:
        if reasoner is not None:
            await reasoner.close()
        engine.dispose()
