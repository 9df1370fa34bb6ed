"""The use cases of parked messages as one value: what API, console and command line call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.service.parked_deciding import ParkedDeciding
    from orchestrator.service.parked_reading import ParkedReading


@dataclass(frozen=True, slots=True)
class ParkedCases:
    """What may be asked about parked messages, and what may be done."""

    reading: ParkedReading
    deciding: ParkedDeciding
