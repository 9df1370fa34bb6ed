"""Every status, operation and stage has its words; no two of them are told by colour alone."""

from typing import get_args

from orchestrator.console.listing import ATTENTION
from orchestrator.console.pages.words import DEEDS, FOR_STEPS, STATES, STATUSES, status_word
from orchestrator.service.operations import OperationState
from orchestrator.service.records import Status
from orchestrator.service.requests import Operation


def test_every_status_operation_and_stage_has_its_words() -> None:
    assert set(STATUSES) == set(get_args(Status))
    assert set(DEEDS) == set(get_args(Operation))
    assert set(STATES) == set(get_args(OperationState))


def test_no_two_statuses_read_alike() -> None:
    assert len({word.text for word in STATUSES.values()}) == len(STATUSES)
    assert all(word.sign and word.meaning for word in STATUSES.values())


def test_who_needs_a_person_says_what_to_do() -> None:
    assert all(STATUSES[status].next_step for status in ATTENTION)
    assert set(FOR_STEPS) <= set(DEEDS)


def test_an_unknown_status_keeps_its_name() -> None:
    word = status_word("levitating")
    assert (word.look, word.text) == ("unknown", "levitating")
