"""One row a customer by SQL: when seen, what was ordered and taken back, what kind of account."""

from __future__ import annotations

import duckdb

from engine.loyalty.gather import ACCOUNT_TYPE, BUSINESS, CONSUMER, UNSAID
from engine.loyalty.states import NEVER, People
from training.goods import Variables, columns, settle

_VARIABLES: Variables = {
    "account_type": ACCOUNT_TYPE,
    "never": NEVER,
    "business": BUSINESS,
    "consumer": CONSUMER,
    "unsaid": UNSAID,
}
# Whoever did anything, or had anything done to them.
_CUSTOMERS = """
    create temp table customers as
    select customer_id, row_number() over (order by customer_id) - 1 as position
    from (
        select customer_id from lines where customer_id is not null
        union
        select customer_id from told
    )
"""
# A refund that names only its order is a deed of whoever placed the order.
_SEEN = """
    create temp table seen as
    select customer_id, min(first_ms) as seen_first, max(last_ms) as seen_last,
           min(signed_up) as signed_up
    from (
        select customer_id, min(at_ms) as first_ms, max(at_ms) as last_ms, null as signed_up
        from lines where customer_id is not null group by customer_id
        union all
        select owner[2:], min(at_ms), max(at_ms), null
        from refunded where starts_with(owner, 'c') group by owner
        union all
        select customer_id, min(at_ms), max(at_ms), min(at_ms) filter (type = 'sign_up')
        from told join types using (type) anti join robots using (event_id)
        where not passive group by customer_id
    )
    group by customer_id
"""
_ORDERED = """
    create temp table ordered as
    select owner[2:] as customer_id, count(distinct number) as placed, count(*) as bought,
           count(*) filter (
               owner in (select owner from refunded) and coalesce(netted.units, 0) < bought.units
           ) as returned
    from bought join orders using (number) left join netted using (number, item_id)
    where starts_with(owner, 'c') group by owner
"""
# The median of an order's days, each order's the least of what its parts say.
_PAID = """
    create temp table paid as
    with told_orders as (
        select customer_id, order_id, min(value) as days
        from (
            select distinct customer_id, order_id, event_id from lines
            where type = 'purchase' and customer_id is not null
        )
        join told using (customer_id, event_id)
        where told.type = 'purchase' and value is not null
        group by customer_id, order_id
    ),
    ranked as (
        select customer_id, days, count(*) over (partition by customer_id) as orders,
               row_number() over (partition by customer_id order by days) as number
        from told_orders
    )
    select customer_id, (min(days) + max(days)) / 2 as days_to_pay from ranked
    where number in ((orders + 1) // 2, (orders + 2) // 2)
    group by customer_id
"""
_ACCOUNTS = """
    create temp table accounts as
    with latest as (
        select customer_id, name, text
        from (select type, told, customer_id, at_ms, event_id from happened where first)
        join traits using (type, told)
        qualify row_number() over (
            partition by customer_id, name order by at_ms desc, event_id desc) = 1
    )
    select customer_id,
           coalesce(max(text) filter (name = getvariable('account_type')), '') as account,
           case when account = 'business' then getvariable('business')
                when account = 'consumer' then getvariable('consumer')
                when count(*) filter (name <> getvariable('account_type') and text <> '') > 0
                then getvariable('business')
                else getvariable('unsaid') end as business
    from latest group by customer_id
"""
_PEOPLE = """
    select coalesce(seen_first, getvariable('never'))::bigint as seen_first,
           coalesce(seen_last, getvariable('never'))::bigint as seen_last,
           coalesce(signed_up, getvariable('never'))::bigint as signed_up,
           coalesce(placed, 0)::bigint as placed,
           coalesce(bought, 0)::bigint as bought,
           coalesce(returned, 0)::bigint as returned,
           coalesce(days_to_pay, 'nan'::double) as days_to_pay,
           coalesce(business, getvariable('unsaid'))::tinyint as business
    from customers
    left join seen using (customer_id) left join ordered using (customer_id)
    left join paid using (customer_id) left join accounts using (customer_id)
    order by position
"""


def meet(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `customers`: everyone of whom anything is known, with their `position`."""
    connection.execute(_CUSTOMERS)


def people(connection: duckdb.DuckDBPyConnection) -> People:
    """One number each for everyone in `customers`, in their order."""
    settle(connection, _VARIABLES)
    for statement in (_SEEN, _ORDERED, _PAID, _ACCOUNTS):
        connection.execute(statement)
    return People(**columns(connection.execute(_PEOPLE)))
