"""The rows by name, in the order of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.rows.commands import row_of_commands
from benchmarks.rows.hand_commands import hand_commands
from benchmarks.rows.hand_written import LocalSaga, NormalSaga, row_by_hand
from benchmarks.rows.ours import row_of_actions

if TYPE_CHECKING:
    from benchmarks.rows.opened import OpenRow

ROWS: dict[str, OpenRow] = {
    "hand_normal": row_by_hand(NormalSaga),
    "hand_local": row_by_hand(LocalSaga),
    "brief": row_of_actions("bench-brief", brief=True),
    "brief_ledger": row_of_actions("bench-brief", brief=True, with_ledger=True),
    "durable": row_of_actions("bench-durable", brief=False),
    "hand_commands": hand_commands,
    "commands": row_of_commands("bare"),
    "commands_kit": row_of_commands("kit"),
}
