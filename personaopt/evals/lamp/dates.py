"""What data sets call a date, as seconds since the epoch (UTC)."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from personaopt.errors import DataError

_WRITTEN = ("%Y-%m", "%Y/%m", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y")
_EPOCHS = {9: 1.0, 10: 1.0, 12: 1e3, 13: 1e3, 15: 1e6, 16: 1e6, 18: 1e9, 19: 1e9}
"""Seconds, milliseconds, microseconds and nanoseconds since 1970 by their digits: 1973 to 2286."""


def seconds_of(value: Any) -> float | None:
    """A year, an ISO 8601 date or time, a date with the month's name, an e-mail's date, or time since 1970.

    A date without a time is its first moment, one without a zone is UTC. Forms in which day and month may be taken for
    each other (`01/02/2020`) are refused.

    Args:
        value: Text, a number, a `date` or `datetime`; None and empty text are no date.

    Raises:
        DataError: It is none of these.
    """
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, datetime | date):
        return _moment(value)
    text = str(value).strip()
    if not isinstance(value, bool):
        if re.fullmatch(r"[12]\d{3}(\.0+)?", text):
            return datetime(int(text[:4]), 1, 1, tzinfo=UTC).timestamp()
        if (found := re.fullmatch(r"(\d{9,19})(\.\d+)?", text)) and len(found[1]) in _EPOCHS:
            return float(text) / _EPOCHS[len(found[1])]
        if (moment := _written(text)) is not None:
            return _moment(moment)
    raise DataError(f"the date {value!r} is not a year, an ISO 8601 date, or seconds or milliseconds since 1970")


def _moment(value: date) -> float:
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _written(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _WRITTEN:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(text) if re.search(r"[A-Za-z]{3}", text) else None
    except ValueError:
        return None
