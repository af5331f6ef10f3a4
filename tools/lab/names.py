"""Made-up names from a seed: nothing in a case may be recognised by what it is called."""

from __future__ import annotations

import random

_HEADS = [
    "b",
    "br",
    "c",
    "cl",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "pr",
    "qu",
    "r",
    "s",
    "sk",
    "sl",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "z",
]
_HEARTS = ["a", "e", "i", "o", "u", "ai", "au", "ea", "io", "ou"]
_TAILS = [
    "ck",
    "d",
    "ft",
    "l",
    "ll",
    "lm",
    "m",
    "n",
    "nd",
    "nt",
    "r",
    "rd",
    "rk",
    "s",
    "sk",
    "st",
    "t",
    "th",
    "x",
]
_ROLES = (
    "api",
    "worker",
    "store",
    "edge",
    "sync",
    "ledger",
    "feed",
    "index",
    "relay",
    "core",
    "hub",
    "queue",
    "gate",
    "view",
    "planner",
    "scorer",
    "mailer",
    "cache",
    "billing",
    "catalog",
)


class Words:
    """A stream of names, each given once."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._given: set[str] = set()

    def _syllable(self) -> str:
        return self._rng.choice(_HEADS) + self._rng.choice(_HEARTS)

    def word(self) -> str:
        """Two or three syllables: ``brialund``."""
        while True:
            size = self._rng.choice((2, 2, 3))
            word = "".join(self._syllable() for _ in range(size)) + self._rng.choice(_TAILS)
            if word not in self._given:
                self._given.add(word)
                return word

    def app(self) -> str:
        """The name of an application, with or without what it does."""
        word = self.word()
        return f"{word}-{self._rng.choice(_ROLES)}" if self._rng.random() < 0.6 else word

    def misspelt(self, name: str) -> str:
        """``name`` as a tired person types it: a letter more, fewer, or two swapped; a valid DNS label."""
        at = self._rng.randrange(1, max(2, len(name) - 1))
        ways = (
            name[:at] + name[at + 1 :],
            name[:at] + name[at] * 2 + name[at + 1 :],
            name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :],
            name + "s",
        )
        usable = [w for w in ways if w != name and w.strip("-") == w and "--" not in w and w]
        return self._rng.choice(usable)
