"""Links to other tools: every part of an address is written so that it stays one part."""

from orchestrator.console.api.context import Links


def test_the_page_of_a_workflow_in_temporal() -> None:
    links = Links(temporal="http://127.0.0.1:8233/", namespace="shop")
    page = links.temporal_page("fulfil-order:a/1", "r 1")
    assert page == "http://127.0.0.1:8233/namespaces/shop/workflows/fulfil-order%3Aa%2F1/r%201/history"


def test_nobody_says_where_its_pages_are() -> None:
    assert Links().temporal_page("a", "b") == ""
