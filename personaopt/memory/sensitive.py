"""Where a text holds what identifies a person or opens a door: found by pattern, kept where its checksum is right.

Checksums and number plans are those of `python-stdnum` and `phonenumbers`. What has neither a pattern nor a checksum is
not found: names, addresses, dates of birth, what somebody tells about themselves.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from personaopt.errors import ConfigurationError

KINDS = ("secret", "email", "iban", "card", "national_id", "ip", "phone")
"""What is found, the kinds that win where two overlap first."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """A part of a text that is to be protected.

    Attributes:
        kind: What it is, such as `email`.
        start: Where it begins in the text.
        end: Where it ends.
    """

    kind: str
    start: int
    end: int


class Finder(Protocol):
    """Finds what is sensitive in a text. Any object with this method is one."""

    def find(self, text: str) -> Sequence[Finding]:
        """The findings, from left to right, without overlaps."""
        ...


class PatternFinder:
    """Finds what has a form of its own; about 50 microseconds for a text of a few sentences.

    Args:
        kinds: What is looked for, of `KINDS`; everything when None.
        regions: Whose national telephone numbers are known, as ISO 3166 codes; numbers that begin with + are known
            everywhere.
        countries: Whose national ids are known, of `NATIONAL_IDS`; all of them when None.

    Raises:
        ConfigurationError: A kind or a country is not known.
    """

    def __init__(
        self,
        kinds: Iterable[str] | None = None,
        *,
        regions: Iterable[str] = ("US",),
        countries: Iterable[str] | None = None,
    ) -> None:
        self.kinds = KINDS if kinds is None else tuple(kinds)
        self.regions = tuple(regions)
        self.countries = tuple(NATIONAL_IDS) if countries is None else tuple(countries)
        for given, known, what in ((self.kinds, KINDS, "kind"), (self.countries, NATIONAL_IDS, "country")):
            if unknown := set(given) - set(known):
                raise ConfigurationError(f"The {what} {min(unknown)!r} is not one of {', '.join(known)}.")

    def find(self, text: str) -> list[Finding]:
        """What is found, from left to right; of two that overlap the one whose kind comes first in `KINDS`."""
        taken: list[Finding] = []
        for kind in KINDS:
            if kind in self.kinds:
                for found in self._of(kind, text):
                    if all(found.end <= other.start or found.start >= other.end for other in taken):
                        taken.append(found)
        return sorted(taken, key=lambda found: found.start)

    def _of(self, kind: str, text: str) -> Iterator[Finding]:
        if kind == "phone":
            spans: Iterable[tuple[int, int]] = _phones(text, self.regions)
        elif kind == "national_id":
            spans = _national_ids(text, self.countries)
        else:
            spans = _FINDERS[kind](text)
        return (Finding(kind, start, end) for start, end in spans)


class PresidioFinder:
    """What Microsoft Presidio finds, which knows names and places too; it has to be installed (`presidio-analyzer`).

    Args:
        analyzer: A `presidio_analyzer.AnalyzerEngine`, or anything with its `analyze`; a new one when None.
        language: Of the texts.
        entities: Presidio's names of what is looked for; everything when None.
        score: What Presidio is less sure of is left.

    Raises:
        ConfigurationError: Presidio is not installed.
    """

    def __init__(
        self, analyzer: Any = None, *, language: str = "en", entities: Iterable[str] | None = None, score: float = 0.5
    ) -> None:
        if analyzer is None:
            try:
                analyzer = importlib.import_module("presidio_analyzer").AnalyzerEngine()
            except ImportError as error:
                raise ConfigurationError("PresidioFinder needs Presidio: install presidio-analyzer.") from error
        self._analyzer = analyzer
        self.language = language
        self.entities = None if entities is None else list(entities)
        self.score = score

    def find(self, text: str) -> list[Finding]:
        """What is found, from left to right; of two that overlap the one Presidio is surer of, then the longer."""
        results = self._analyzer.analyze(
            text=text, language=self.language, entities=self.entities, score_threshold=self.score
        )
        taken: list[Finding] = []
        for result in sorted(results, key=lambda each: (-each.score, each.start - each.end)):
            if all(result.end <= other.start or result.start >= other.end for other in taken):
                taken.append(Finding(str(result.entity_type).lower(), result.start, result.end))
        return sorted(taken, key=lambda found: found.start)


_EMAIL = re.compile(r"(?<![\w.+%'-])[\w.+%-](?:[\w.+%'-]{0,63}[\w.+%-])?@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}(?![\w-])")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?!\w)", re.IGNORECASE)
_CARD = re.compile(r"(?<![\d.,-])\d(?:[ -]?\d){12,18}(?![\d-])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])(?=[0-9A-F]*:[0-9A-F]*:)(?=\S*\d)[0-9A-F:]{2,39}(?![\w:])", re.IGNORECASE)
_SECRETS = re.compile(
    r"""
    -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
  | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
  | \b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,})
  | \b(?:sk|rk|pk)[-_](?:live|test|proj|ant|or)?[-_]?[\w-]{20,}
  | \bxox[abeoprs]-[\w-]{10,}
  | \bAIza[\w-]{35}
  | \bhf_[A-Za-z0-9]{20,}
  | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}
  | (?<=Bearer\ )[\w.~+/-]{16,}=*
  | (?<=://)[^\s/:@]{1,64}:[^\s/@]{1,128}(?=@)
  | (?:(?<=\bpassword)|(?<=\bpasswort)|(?<=\bpasswd)|(?<=\bpwd)|(?<=\bsecret)|(?<=\bapi_key)|(?<=\bapikey)
      |(?<=\bapi\ key)|(?<=\baccess_token)|(?<=\bauth_token)|(?<=\btoken))
      (?:\ is)?\ ?[:=]\ ?["']?(?P<value>[^\s"',;]{6,128})
  | (?:(?<=\bpassword\ is)|(?<=\bPIN\ is)|(?<=\bpin\ is)|(?<=\bpasscode\ is))\ ["']?(?P<said>(?=\S*\d)[^\s"',;]{4,128})
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def _emails(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _EMAIL.finditer(text)) if "@" in text else iter(())


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    from stdnum import iban

    for match in _IBAN.finditer(text):
        # The words behind one may look as if they belonged to it: the longest beginning that is right counts.
        for end in range(match.end(), match.start() + 14, -1):
            whole = text[end - 1].isalnum() and not text[end : end + 1].isalnum()
            if whole and iban.is_valid(text[match.start() : end], check_country=False):
                yield match.start(), end
                break


def _cards(text: str) -> Iterator[tuple[int, int]]:
    from stdnum import luhn

    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        # The first digit is that of an issuer: 2 to 6, as numbers of things that pass by chance often begin with 0, 1.
        if digits[0] in "23456" and len(set(digits)) > 1 and luhn.is_valid(digits):
            yield match.span()


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            try:
                ipaddress.ip_address(match[0])
            except ValueError:
                continue
            yield match.span()


def _secrets(text: str) -> Iterator[tuple[int, int]]:
    for match in _SECRETS.finditer(text):
        name = next((name for name in ("value", "said") if match[name]), 0)
        yield match.span(name)


_FINDERS: dict[str, Callable[[str], Iterable[tuple[int, int]]]] = {
    "secret": _secrets,
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ip": _addresses,
}


def _phones(text: str, regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    if sum(character.isdigit() for character in text) < 7:
        return
    import phonenumbers

    for region in (None, *regions):
        if region is None and "+" not in text:
            continue
        # In groups as they are written there, or in none: most other numbers of that length are something else.
        for match in phonenumbers.PhoneNumberMatcher(text, region, phonenumbers.Leniency.STRICT_GROUPING):
            yield match.start, match.end


@dataclasses.dataclass(frozen=True, slots=True)
class NationalId:
    """How a country writes the ids of its people.

    Attributes:
        pattern: Its form.
        module: The module of `stdnum` that knows its checksum.
        told: Whether its form is so common that a word such as "tax" or "ID" must stand before it.
    """

    pattern: str
    module: str
    told: bool = False


NATIONAL_IDS = {
    "us": NationalId(r"\d{3}-\d{2}-\d{4}", "us.ssn"),
    "ca": NationalId(r"\d{3}[ -]?\d{3}[ -]?\d{3}", "ca.sin", told=True),
    "mx": NationalId(r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d", "mx.curp"),
    "br": NationalId(r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", "br.cpf"),
    "cl": NationalId(r"\d{1,2}\.?\d{3}\.?\d{3}-[\dK]", "cl.rut"),
    "gb": NationalId(r"\d{3}[ -]?\d{3}[ -]?\d{4}", "gb.nhs", told=True),
    "ie": NationalId(r"\d{7}[A-W][A-IW]?", "ie.pps"),
    "de": NationalId(r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "de.idnr"),
    "ch": NationalId(r"756\.?\d{4}\.?\d{4}\.?\d{2}", "ch.ssn"),
    "fr": NationalId(r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", "fr.nir"),
    "be": NationalId(r"\d{2}\.?\d{2}\.?\d{2}[- ]?\d{3}\.?\d{2}", "be.nn"),
    "nl": NationalId(r"\d{9}", "nl.bsn", told=True),
    "es": NationalId(r"[XYZ]?-?\d{7,8}-?[A-Z]", "es.dni"),
    "es_nie": NationalId(r"[XYZ]-?\d{7}-?[A-Z]", "es.nie"),
    "it": NationalId(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale"),
    "pt": NationalId(r"\d{9}", "pt.nif", told=True),
    "pl": NationalId(r"\d{11}", "pl.pesel"),
    "cz": NationalId(r"\d{6}/\d{3,4}", "cz.rc"),
    "ro": NationalId(r"[1-8]\d{12}", "ro.cnp"),
    "bg": NationalId(r"\d{10}", "bg.egn", told=True),
    "hr": NationalId(r"\d{11}", "hr.oib", told=True),
    "se": NationalId(r"(?:\d{2})?\d{6}[-+]\d{4}", "se.personnummer"),
    "no": NationalId(r"\d{6} ?\d{5}", "no.fodselsnummer"),
    "dk": NationalId(r"\d{6}-\d{4}", "dk.cpr"),
    "fi": NationalId(r"\d{6}[-+A]\d{3}[0-9A-Y]", "fi.hetu"),
    "ee": NationalId(r"[1-8]\d{10}", "ee.ik"),
    "lt": NationalId(r"[1-8]\d{10}", "lt.asmens"),
    "tr": NationalId(r"[1-9]\d{10}", "tr.tckimlik"),
    "il": NationalId(r"\d{9}", "il.idnr", told=True),
    "za": NationalId(r"\d{6} ?\d{4} ?\d{3}", "za.idnr"),
    "in": NationalId(r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", "in_.aadhaar"),
    "cn": NationalId(r"\d{17}[\dX]", "cn.ric"),
    "kr": NationalId(r"\d{6}-\d{7}", "kr.rrn"),
}
"""National ids with a checksum (that of the United States has ranges instead), by country."""

_TOLD = re.compile(
    r"\b(?:id|ids|ssn|sin|bsn|nif|nhs|egn|oib|tax|social|insurance|national|identity|citizen|personal|patient|passport|"
    r"burgerservicenummer|contribuinte|nummer|number|no|nr)\b\W{0,3}(?:\w+\W{1,3}){0,3}$",
    re.IGNORECASE,
)
_NEAR = 48  # characters before an id in which the word is looked for


@functools.cache
def _known(country: str) -> tuple[re.Pattern[str], Callable[[str], bool]]:
    entry = NATIONAL_IDS[country]
    module = importlib.import_module(f"stdnum.{entry.module}")
    return re.compile(rf"(?<![\w.+-])(?:{entry.pattern})(?!\w|[-.]\d)", re.IGNORECASE), module.is_valid


def _national_ids(text: str, countries: Sequence[str]) -> Iterator[tuple[int, int]]:
    if sum(character.isdigit() for character in text) < 7:
        return
    for country in countries:
        pattern, valid = _known(country)
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - _NEAR) : match.start()]
            if valid(match[0]) and (not NATIONAL_IDS[country].told or _TOLD.search(before)):
                yield match.span()
