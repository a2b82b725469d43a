"""Opinions, complaints, contacts, mail and choices by SQL, meant as in `engine.loyalty.fold`."""

from __future__ import annotations

import duckdb

from engine.domain.particulars import EXIT_REASON
from engine.loyalty.fold.choices import EMAIL, SPOKEN_OF
from engine.loyalty.fold.opinions import RATING
from engine.loyalty.fold.service import COMPLAINT, FROM_CUSTOMER, OTHER, TO_CUSTOMER
from training.goods import Variables, settle

_VARIABLES: Variables = {
    "exit_reason": EXIT_REASON,
    "rating": RATING,
    "other": OTHER,
    "complaint": COMPLAINT,
    "email": EMAIL,
    "spoken_of": SPOKEN_OF,
    "from_customer": FROM_CUSTOMER,
    "to_customer": TO_CUSTOMER,
}
_OPINIONS = """
    create temp table opinions as
    select customer_id, at_ms as "at", event_id, getvariable('rating') as topic, value,
           null::varchar as word, item_id
    from told where type = 'rating' and first and value is not null
    union all
    select customer_id, at_ms, event_id, topic, value, ref, null
    from told where type = 'survey' and topic is not null
                    and (value is not null or ref is not null)
    union all
    select customer_id, at_ms, event_id, getvariable('exit_reason'), null, topic, null
    from told where type = 'unsubscribe' and topic is not null
"""
# A resolution answers too, and without a case it is one of every case.
_CASES = """
    create temp table cases as
    with complaints as (
        select customer_id, at_ms as opened, ref as "case",
               coalesce(topic, getvariable('other')) as topic
        from told where type = 'complaint' and ref is not null
        qualify row_number() over (partition by customer_id, ref order by at_ms, event_id) = 1
    ),
    replies as (
        select customer_id, at_ms, ref, type = 'complaint_resolved' as resolves from told
        where type = 'complaint_resolved'
           or type = 'service_contact' and value = getvariable('to_customer') and ref is not null
    )
    select complaints.customer_id, opened, "case", topic, min(at_ms) as answered,
           min(at_ms) filter (resolves) as resolved
    from complaints left join replies
      on replies.customer_id = complaints.customer_id and replies.at_ms >= opened
     and coalesce(replies.ref, "case") = "case"
    group by all
"""
_CONTACTS = """
    create temp table contacts as
    select customer_id, at_ms as "at", event_id,
           case when type = 'complaint' then getvariable('complaint')
                else coalesce(topic, getvariable('other')) end as topic
    from told where type = 'complaint' and ref is not null
                 or type = 'service_contact' and value = getvariable('from_customer')
"""
_MAILS = """
    create temp table mails as
    select customer_id, at_ms as "at", event_id, kind, topic
    from told join types using (type) where kind is not null
    qualify at_ms // getvariable('day')
        > max(at_ms // getvariable('day')) over (partition by customer_id)
          - getvariable('kept_days')
"""
_PREFERENCES = """
    create temp table preferences as
    select customer_id, topic, coalesce(value, getvariable('spoken_of')) as value, at_ms as "at",
           (count(*) over (partition by customer_id, topic))::integer as times
    from told where type = 'preference' and topic is not null
    qualify row_number() over (
        partition by customer_id, topic order by at_ms desc, event_id desc) = 1
"""
# Who unsubscribes wants no more mail.
_CONSENTS = """
    create temp table consents as
    with decisions as (
        select customer_id, at_ms, event_id, topic, value = 1 as granted
        from told where type = 'consent' and topic is not null
        union all
        select customer_id, at_ms, event_id, getvariable('email'), false
        from told where type = 'unsubscribe'
    )
    select customer_id, topic, granted, at_ms as "at" from decisions
    qualify row_number() over (
        partition by customer_id, topic order by at_ms desc, event_id desc) = 1
"""


def listen(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `opinions`, `cases`, `contacts`, `mails`, `preferences`, `consents` out of `told`."""
    settle(connection, _VARIABLES)
    for statement in (_OPINIONS, _CASES, _CONTACTS, _MAILS, _PREFERENCES, _CONSENTS):
        connection.execute(statement)
