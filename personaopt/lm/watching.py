"""Who hears of calls as they come back."""

from __future__ import annotations

from typing import Any


class Watch:
    """Hears of the asks of a level as they come back. This one does nothing."""

    def ended(self, place: int, result: Any) -> None:
        """One came back; called from the thread or task that drives, in the order in which they do."""

    def due(self) -> float | None:
        """Seconds until `flush` wants to be called, at least 0; None where there is nothing to write."""
        return None

    def flush(self) -> None:
        """Write what is to be kept; may take a while."""


UNWATCHED = Watch()
