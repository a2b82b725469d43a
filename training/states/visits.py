"""Visits and interests by SQL; their meaning is that of `engine.loyalty.fold`."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from engine.domain.histories import DAY_MS
from engine.loyalty.fold.rows import KEPT_DAYS
from engine.loyalty.fold.visits import (
    BOT_EVENTS_A_MINUTE,
    DIRECT_CHANNELS,
    MINUTE_MS,
    VISIT_GAP_MS,
)
from engine.loyalty.states import BOT, DIRECT, ORDERED, VIEWED_TWICE
from training.goods import Variables, settle

_VARIABLES: Variables = {
    "day": DAY_MS,
    "kept_days": KEPT_DAYS,
    "minute": MINUTE_MS,
    "visit_gap": VISIT_GAP_MS,
    "a_minute": BOT_EVENTS_A_MINUTE,
    "bot": BOT,
    "direct": DIRECT,
    "ordered": ORDERED,
    "viewed_twice": VIEWED_TWICE,
}
# One row an event; for views of items one a line, of which the first counts as the event.
_ACTS = """
    create temp view acts as
    select customer_id, at_ms, first, case when type = 'view_item' then item_id end as viewed,
           step | case when value = 1 then getvariable('bot') else 0 end
                | case when channel is not null then getvariable('direct') else 0 end as step
    from told join types using (type) left join channels on channel = topic
    where step is not null and type <> 'purchase' and (first or type = 'view_item')
    union all
    select customer_id, at_ms, true, null, getvariable('ordered')
    from lines where type = 'purchase' and customer_id is not null and coalesce(line_no, 0) = 0
"""
# What is at one time is at one visit: the sum runs over all rows up to and with that time.
_PARTS = """
    create temp table parts as
    select * exclude (pause),
           sum(case when pause <= getvariable('visit_gap')
                         and at_ms // getvariable('day')
                             = (at_ms - pause) // getvariable('day') then 0 else 1 end)
               over (partition by customer_id order by at_ms) as visit
    from (
        select *, at_ms - lag(at_ms) over (partition by customer_id order by at_ms) as pause
        from acts
    )
"""
_VISITS = """
    create temp table visits as
    with twice as (
        select distinct customer_id, visit, true as again from (
            select customer_id, visit from parts
            where viewed is not null group by customer_id, visit, viewed having count(*) > 1
        )
    )
    select customer_id, min(at_ms) as start, max(at_ms) as "end",
           (count(*) filter (first))::integer as events,
           (bit_or(step)
            | case when count(*) filter (first) * getvariable('minute') > getvariable('a_minute')
                        * greatest(getvariable('minute'), max(at_ms) - min(at_ms))
                   then getvariable('bot') else 0 end
            | case when bool_or(again) then getvariable('viewed_twice') else 0 end
           )::integer as steps
    from parts left join twice using (customer_id, visit)
    group by customer_id, visit
    qualify min(at_ms) // getvariable('day')
        > max(min(at_ms) // getvariable('day')) over (partition by customer_id)
          - getvariable('kept_days')
"""
# What sums up to nothing still counts as its customer's last day.
_INTERESTS = """
    create temp table interests as
    select * from (
        select customer_id, at_ms // getvariable('day') as day, item_id,
               (count(*) filter (type = 'view_item'))::integer as views,
               (count(*) filter (type = 'select_item'))::integer as clicks,
               greatest(count(*) filter (type = 'add_to_cart')
                        - count(*) filter (type = 'remove_from_cart'), 0)::integer as carts
        from told anti join robots using (event_id)
        where item_id is not null
          and type in ('view_item', 'select_item', 'add_to_cart', 'remove_from_cart')
        group by customer_id, day, item_id
        qualify day > max(day) over (partition by customer_id) - getvariable('kept_days')
    )
    where views + clicks + carts > 0
"""


def follow(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables `visits` and `interests` out of `told` and `lines`."""
    settle(connection, _VARIABLES)
    connection.register("channels", pa.table({"channel": sorted(DIRECT_CHANNELS)}))
    for statement in (_ACTS, _PARTS, _VISITS, _INTERESTS):
        connection.execute(statement)
