"""Operations that clients made for Segment, RudderStack and Google Analytics 4 call."""

from __future__ import annotations

from api import wire_clients
from api.operations.described import Operation, Parameter, flag

_TAG = "Clients of Segment and GA4"
_ERRORS = (400, 413, 415, 500, 503)
_TAKEN = (
    "Answered alike whether it could be used or not: what is refused is kept with the reason, and "
    "`regulars rejects` shows it."
)
_BACKFILL = flag("backfill", "It happened long ago: none of it is held to be a robot's.")
# Each call of Segment's, what it tells, and what it needs.
_CALLS = {
    "track": ("Tell what somebody did", "It names its `event`."),
    "identify": ("Tell who somebody is", "`traits` are what is known of them."),
    "page": ("Tell which page somebody saw", "By `name`, or by what its `properties` say."),
    "screen": ("Tell which screen of an app somebody saw", "As `page` does."),
    "group": ("Tell to whom somebody belongs", "It is kept, and counts for nothing."),
    "alias": ("Join a visitor to a customer", "`previousId` is the same person as `userId`."),
}


def _ignored(name: str, said: str) -> Parameter:
    return Parameter(name, "query", said, {"type": "string"}, "G-1")


CLIENTS = (
    *(
        Operation(
            name=name,
            method="post",
            path=f"/v1/{name}",
            tag=_TAG,
            summary=summary,
            description=f"Segment's call; `/v1/{name[0]}` is the same. {needs} {_TAKEN}",
            answer=wire_clients.CallTaken,
            errors=_ERRORS,
            bodies=(wire_clients.CallIn,),
        )
        for name, (summary, needs) in _CALLS.items()
    ),
    Operation(
        name="segment_batch",
        method="post",
        path="/v1/batch",
        tag=_TAG,
        summary="Tell many things in Segment's words",
        description=f"Calls with their `type`; `/v1/b` is the same. {_TAKEN}",
        answer=wire_clients.CallTaken,
        errors=_ERRORS,
        parameters=(_BACKFILL,),
        bodies=(wire_clients.CallsIn,),
    ),
    Operation(
        name="segment_import",
        method="post",
        path="/v1/import",
        tag=_TAG,
        summary="Tell what happened long ago in Segment's words",
        description=f"As `/v1/batch`; none of it is held to be a robot's. {_TAKEN}",
        answer=wire_clients.CallTaken,
        errors=_ERRORS,
        bodies=(wire_clients.CallsIn,),
    ),
    Operation(
        name="ga4_collect",
        method="post",
        path="/mp/collect",
        tag=_TAG,
        summary="Tell what happened in GA4's words",
        description=f"The Measurement Protocol; the answer is empty, as Google's is. {_TAKEN}",
        answer=None,
        errors=_ERRORS,
        parameters=(
            _ignored("measurement_id", "Google's name of the property; not looked at."),
            _ignored("firebase_app_id", "Google's name of the app; not looked at."),
            _ignored("api_secret", "Google's secret; not looked at."),
            _BACKFILL,
        ),
        bodies=(wire_clients.GaCollectIn,),
    ),
)
