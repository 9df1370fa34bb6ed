"""The service layer as one value: all that API, console and command line call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.service.bulk import Bulking
    from orchestrator.service.bulk_running import BulkRunning
    from orchestrator.service.definitions import Definitions
    from orchestrator.service.entering import Entering
    from orchestrator.service.events import Events
    from orchestrator.service.figures import Figuring
    from orchestrator.service.once import Once
    from orchestrator.service.operating import Operating, World
    from orchestrator.service.parked_cases import ParkedCases
    from orchestrator.service.personal import Personal
    from orchestrator.service.reading import Reading
    from orchestrator.service.starting import Starting
    from orchestrator.service.switches import Switching
    from orchestrator.service.tokens import Issuing
    from orchestrator.service.trail import Trail


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The use cases.

    Attributes:
        world: what they work with.
        reading: executions, as they are. `figuring`: how they have been. `trail`: what was done to them.
        events: the messages of the event store.
        operating, bulking, switching: what people do, to one, to many, to all. `running`: does the items of bulks.
        definitions, starting: the sagas of this process. `parked`: messages that could not be handled.
        issuing: API tokens. `entering`: signing in and out, local accounts. `once`: requests that come twice.
        personal: what people set for themselves.
    """

    world: World
    reading: Reading
    figuring: Figuring
    trail: Trail
    events: Events
    operating: Operating
    bulking: Bulking
    running: BulkRunning
    switching: Switching
    definitions: Definitions
    starting: Starting
    parked: ParkedCases
    issuing: Issuing
    entering: Entering
    once: Once
    personal: Personal
