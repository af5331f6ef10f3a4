"""The pages, from templates that escape everything; only the plots are markup of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from console.core.judging import SILENCES
from console.core.places import proof_of
from console.core.plots import Plot, plots
from console.core.story import IncidentStory, ending_of, timeline
from console.core.trust_output import RANGES
from console.core.words import Words, told
from console.ports import Listed
from kfix.incident.fix_life import NEXT
from kfix.incident.judgement_links import PATH, JudgementLink
from kfix.incident.trust.figures import TrustFigures
from kfix.incident.trust.fixes import FixState
from kfix.incident.trust.intervals import Rate
from kfix.texts import known, language_of, word
from manifests.proposal.by_hand import by_hand
from schemas.dead_letters import DeadLetter

#: Lines of a log excerpt and of a diff that a page shows.
_LOG_LINES = 12
#: What becomes of fixes, in the order in which a page tells it.
_FIX_STATES = tuple(state for state in get_args(FixState) if state != "none")
#: Characters that show nothing or reorder what stands around them (C0, C1, bidirectional controls): shown as U+FFFD.
_UNSEEN = dict.fromkeys(
    (
        *range(9),
        *(11, 12),
        *range(14, 32),
        *range(127, 160),
        *(0x061C, 0x200E, 0x200F),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    ),
    "\ufffd",
)


class Pages:
    """Renders the console's pages in one language."""

    def __init__(self, language: str) -> None:
        self._words = Words(language_of(language))
        self._environment = Environment(
            loader=PackageLoader("console", "templates"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            finalize=_visible,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "by_hand": by_hand,
            "because": self._because,
            "clock": _clock,
            "days": self._days,
            "interval": _interval,
            "money": _money,
            "span": _span,
            "moment": _moment,
            "percent": _percent,
            "number": _number,
            "say": self._say,
            "told": self._told,
            "ending": ending_of,
            "web": _web,
        }
        self.style = self._environment.get_template("style.css").render()

    def listing(
        self, listed: Sequence[Listed], where: Mapping[str, str], page: int, more: bool
    ) -> str:
        """The list of incidents."""
        return self._render(
            "incidents.html",
            listed=listed,
            where=where,
            states=tuple(NEXT),
            newer=_query(where, page - 1) if page > 0 else "",
            older=_query(where, page + 1) if more else "",
            refresh=0,
        )

    def incident(
        self, story: IncidentStory, *, refresh: int, thanks: bool, person: str = ""
    ) -> str:
        """One incident. A page that loads itself again has no form on it: what is half typed would be lost."""
        bundle = story.bundle
        drawn = plots(bundle.metrics, bundle.alerted_at) if bundle else []
        return self._render(
            "incident.html",
            story=story,
            proof=proof_of(story),
            timeline=timeline(story, self._words.language),
            plots=[_safe(plot) for plot in drawn],
            log_lines=_LOG_LINES,
            refresh=refresh,
            thanks=thanks,
            person=person,
        )

    def letters(self, letters: Sequence[DeadLetter], page: int, more: bool) -> str:
        """What could not be read or worked on, newest first."""
        return self._render(
            "dead_letters.html",
            letters=[(one, self._why(one)) for one in letters],
            newer=_query({}, page - 1) if page > 0 else "",
            older=_query({}, page + 1) if more else "",
            refresh=0,
        )

    def trust(self, found: TrustFigures, since: str, currency: str) -> str:
        """Figures of trust over the range ``since``."""
        return self._render(
            "trust.html",
            found=found,
            since=since,
            states=_FIX_STATES,
            ranges=tuple(dict.fromkeys((*RANGES, since))),
            currency=currency,
            refresh=0,
        )

    def _because(self, reason: str) -> str:
        """Why nothing was proposed: decide's words for it, else publish's, else the reason itself."""
        for text_id in (f"decide.answer.{reason}", f"publish.{reason}"):
            if reason and known(text_id):
                return word(text_id, self._words.language)
        return reason.replace("_", " ")

    def _why(self, letter: DeadLetter) -> str:
        """The reason in words, where there are some."""
        text_id = f"publish.unread_{letter.reason}"
        return word(text_id, self._words.language) if known(text_id) else letter.reason

    def judgement(
        self,
        state: str,
        link: JudgementLink | None = None,
        *,
        person: str = "",
        nameless: bool = False,
    ) -> str:
        """The page behind a signed link. ``state``: ``ask``, ``done``, ``again``, ``expired`` or ``forged``.

        ``nameless``: the form came without a name. ``person``: who it is, where that is known.
        """
        return self._render(
            "judge.html",
            state=state,
            link=link,
            person=person,
            nameless=nameless,
            silences=[one for one in SILENCES if one != "off"],
            path=PATH,
            refresh=0,
        )

    def missing(self) -> str:
        """The page of an incident that is not there."""
        return self._render("missing.html", refresh=0)

    def _render(self, template: str, **values: Any) -> str:
        return self._environment.get_template(template).render(w=self._words, **values)

    def _told(self, record: Any, field: str) -> Any:
        return told(record, field, self._words.language)

    def _days(self, since: str) -> str:
        if since == "all":
            return self._words["all_time"]
        return f"{since.removesuffix('d')} {self._words['days']}"

    def _say(self, word: str) -> str:
        return self._words.get(word, word.replace("_", " "))


def _query(where: Mapping[str, str], page: int) -> str:
    return "?" + urlencode({**where, "page": page})


def _safe(plot: Plot) -> dict[str, Any]:
    # The only markup that is not escaped: numbers and escaped labels of console.core.plots.
    return {"title": plot.title, "unit": plot.unit, "svg": Markup(plot.svg)}  # noqa: S704


def _visible(value: Any) -> Any:
    return value.translate(_UNSEEN) if isinstance(value, str) else value


def _web(address: str) -> str:
    # Escaping does not tame a `javascript:` address: a link goes to the web or nowhere.
    return address if address.lower().startswith(("https://", "http://")) else "#"


def _clock(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%H:%M:%S") if at else ""


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


def _percent(value: float | None) -> str:
    return f"{value * 100:.0f} %" if value is not None else ""


def _interval(rate: Rate) -> str:
    """The 95 % interval in whole per cent, rounded outwards."""
    low, high = rate.percents
    return f"{low}–{high} %"


def _money(amount: float) -> str:
    return f"{amount:.2f}" if amount >= 1 else f"{amount:.4f}"


def _span(seconds: float | None) -> str:
    """A duration in the largest units that tell: ``42 s``, ``3 min``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def _number(value: float | None) -> str:
    return f"{value:.3g}" if value is not None else "?"
