"""How a field stands in Protobuf, in the few words that the baseline keeps."""

from pydantic import BaseModel

from orchestrator.contracts.codecs.boxes import boxed, described, records
from orchestrator.shapes import shape_of


class Line(BaseModel):
    sku: str


class Order(BaseModel):
    id: str
    note: str | None = None
    word: str | None = "x"
    lines: list[Line] = []
    tags: list[str] | None = None
    more: list[str] = ["x"]
    nothing: list[str] | None = []
    grid: list[list[int]] = []
    maybe: list[int | None] = []
    by: dict[str, list[Line]] = {}
    line: Line | None = None


def test_only_what_has_no_place_is_boxed() -> None:
    assert [described(one) for one in boxed(shape_of(Order)).fields] == [
        "string = 1",
        "string = 2",
        "box of string = 3",
        "repeated message = 4",
        "box of repeated string = 5",
        "box of repeated string = 6",
        "box of box of repeated string = 7",
        "repeated box of repeated int64 = 8",
        "repeated box of int64 = 9",
        "map<string, box of repeated message> = 10",
        "message = 11",
    ]


def test_every_record_and_box_is_listed() -> None:
    assert {one.name for one in records(boxed(shape_of(Order)))} == {
        "Order",
        "Line",
        "OrderWordBox",
        "OrderTagsBox",
        "OrderMoreBox",
        "OrderNothingBox",
        "OrderNothingBoxBox",
        "OrderGridBox",
        "OrderMaybeBox",
        "OrderByBox",
    }
