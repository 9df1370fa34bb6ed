"""What a person may do with parked messages now, and why not: pages show it, `ParkedDeciding` checks it again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.service.parked_actions import FROM_TO
from orchestrator.service.parked_deciding import PERMISSIONS
from orchestrator.service.parked_reading import may_touch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.service.access import Caller
    from orchestrator.service.parked_actions import Deed
    from orchestrator.service.parked_records import ParkedGroup, ParkedMessage


def offered(caller: Caller, message: ParkedMessage) -> Mapping[Deed, str]:
    """Everything that can be done to a message, each with why it may not be done now; empty if it may."""
    return {deed: _lacking(caller, deed, message.saga) or _unfit(message, deed) for deed in FROM_TO}


def offered_for_all(caller: Caller, group: ParkedGroup) -> Mapping[Deed, str]:
    """The same of all messages of a group at once."""
    return {deed: _lacking(caller, deed, group.saga) or _unfit_group(group, deed) for deed in FROM_TO}


def _lacking(caller: Caller, deed: Deed, saga: str) -> str:
    right = PERMISSIONS[deed]
    return "" if may_touch(caller, right, saga) else f"it needs the permission {right}"


def _unfit(message: ParkedMessage, deed: Deed) -> str:
    wanted, _ = FROM_TO[deed]
    if message.state != wanted:
        return f"not for a message that is {message.state}"
    if deed == "redrive" and not message.origin.is_known:
        return "nobody says where it came from: publish it yourself, then discard it"
    return ""


def _unfit_group(group: ParkedGroup, deed: Deed) -> str:
    if deed == "edit":
        return "messages are edited one by one"
    if deed == "restore":
        return "none of it was decided" if group.waiting == group.total else ""
    if not group.waiting:
        return "nothing of it waits"
    if deed == "redrive" and not group.queue:
        return "nobody says where they came from: publish them yourself"
    return ""
