"""Operations on segments."""

from __future__ import annotations

from api import wire_segments as wire
from api.operations.described import ID_SCHEMA, SEGMENT, Operation, Parameter, limit
from api.params import DEFAULT_ROWS, MAX_ROWS

SEGMENTS = (
    Operation(
        name="segments",
        method="get",
        path="/v1/segments",
        tag="Segments",
        summary="All segments, built-in ones and the shop's own",
        description=(
            "Every event moves its own customer between segments at once; `refreshed_at` is when "
            "members were last worked out for everyone, at least daily."
        ),
        answer=wire.SegmentsOut,
        errors=(400, 500, 503),
    ),
    Operation(
        name="get_segment",
        method="get",
        path="/v1/segments/{name}",
        tag="Segments",
        summary="One segment",
        description="Its condition as JSON, and how many customers are in it.",
        answer=wire.SegmentOut,
        errors=(400, 404, 500, 503),
        parameters=(SEGMENT,),
    ),
    Operation(
        name="put_segment",
        method="put",
        path="/v1/segments/{name}",
        tag="Segments",
        summary="Make or change a segment of the shop's own",
        description=(
            'A condition is one comparison, such as `{"feature": "orders", "at_least": 3}`, '
            "of a `feature` (as in a profile), an `attribute` (told by `identify`) or the count of "
            '`events` of a type; or `{"segment": NAME}`; or `all`, `any`, `not` of conditions. '
            "Comparisons are `is`, `is_not`, `in`, `above`, `at_least`, `below`, `at_most`, "
            "`between`, `within_days`, `not_within_days` and `known`. Unknown values make each of "
            "them false but `known`. Members are worked out before the answer. Every mistake is "
            "in `errors` with a JSON pointer. Built-in segments cannot change: 409."
        ),
        answer=wire.SegmentOut,
        errors=(400, 409, 413, 415, 500, 503),
        parameters=(SEGMENT,),
        bodies=(wire.SegmentIn,),
    ),
    Operation(
        name="delete_segment",
        method="delete",
        path="/v1/segments/{name}",
        tag="Segments",
        summary="Remove a segment of the shop's own",
        description="409 for a built-in one, and for one that others refer to.",
        answer=wire.SegmentDeleted,
        errors=(400, 404, 409, 500, 503),
        parameters=(SEGMENT,),
    ),
    Operation(
        name="segment_customers",
        method="get",
        path="/v1/segments/{name}/customers",
        tag="Segments",
        summary="The customers in a segment",
        description="By id, a page at a time: send `next` as `after` until it is null.",
        answer=wire.MembersOut,
        errors=(400, 404, 500, 503),
        parameters=(
            SEGMENT,
            Parameter(
                "after", "query", "The id that the last page ended with.", ID_SCHEMA, "17850"
            ),
            limit("customers", default=DEFAULT_ROWS, most=MAX_ROWS),
        ),
    ),
    Operation(
        name="segment_changes",
        method="get",
        path="/v1/segments/{name}/changes",
        tag="Segments",
        summary="Who entered a segment and who left it",
        description="The latest first.",
        answer=wire.ChangesOut,
        errors=(400, 404, 500, 503),
        parameters=(SEGMENT, limit("changes", default=DEFAULT_ROWS, most=MAX_ROWS)),
    ),
)
