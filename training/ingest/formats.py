"""The formats that are known by name: their columns, and what a row of each means.

A format's `meaning` is SQL that makes the view `meant` of the view `fields`, which holds the text
of each field, trimmed, NULL when empty. The view says of every row: whose, what, which order,
when (`at_ms`), how many (`units`, negative in some returns), `priced` and `price` (exact, in minor
units, with fractions), `discount`, `currency`, whether it was `returned`, whether the
return is `loose` (names no order), whether the thing is a `product`, and what is `wrong`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

CATALOG_FIELDS = (
    "title",
    "category",
    "brand",
    "price",
    "cost",
    "image_url",
    "url",
    "available",
    "tags",
)


@dataclass(frozen=True)
class Format:
    """One kind of file. `columns` holds each field's usual column names, the first preferred."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    # At least one of these must be there too.
    owners: tuple[str, ...]
    timezone: str
    meaning: str
    currency: str | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
    # Fields that no file of the kind has, and what they are in every row.
    fixed: Mapping[str, str] = field(default_factory=dict)
    # Columns of a second file that describes the items, and the file's usual name.
    products: tuple[str, ...] = ()
    products_name: str = ""


def _same(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: (name,) for name in names}


PURCHASES = Format(
    name="purchases",
    columns=_same(
        "customer_id",
        "item_id",
        "order_id",
        "occurred_at",
        "quantity",
        "unit_price",
        "currency",
        "discount",
        *CATALOG_FIELDS,
    ),
    required=("item_id", "occurred_at"),
    owners=("order_id", "customer_id"),
    timezone="UTC",
    defaults={"quantity": "1"},
    meaning=r"""
CREATE VIEW meant AS
SELECT
  line, broken, customer_id, item_id, order_id, occurred_at,
  moment(occurred_at) AS at_ms,
  number(quantity) AS units,
  unit_price IS NOT NULL AS priced,
  minor(unit_price) AS price,
  CASE WHEN discount IS NULL THEN 0.0 ELSE minor(discount) END AS discount,
  coalesce(upper(currency), getvariable('currency')::VARCHAR) AS currency,
  coalesce(number(quantity) < 0, false) AS returned,
  false AS loose,
  true AS product,
  NULL::VARCHAR AS wrong
FROM fields
""",
)

# When a pair of customer and item is said to have been bought: nobody knows, so all at once.
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)

# What a customer ever bought is one order: that much is certain, and no count claims more.
PAIRS = Format(
    name="pairs",
    columns=_same("customer_id", "item_id", *CATALOG_FIELDS),
    required=("customer_id", "item_id"),
    owners=(),
    timezone="UTC",
    fixed={"occurred_at": UNDATED.isoformat()},
    meaning=r"""
CREATE VIEW meant AS
SELECT
  line, broken, customer_id, item_id,
  coalesce(customer_id, 'nobody') || '@undated' AS order_id,
  occurred_at,
  epoch_ms(occurred_at::TIMESTAMPTZ) AS at_ms,
  1::DOUBLE AS units,
  false AS priced,
  NULL::DOUBLE AS price,
  0::DOUBLE AS discount,
  getvariable('currency')::VARCHAR AS currency,
  false AS returned,
  false AS loose,
  true AS product,
  CASE WHEN customer_id IS NULL THEN 'missing_customer' END AS wrong
FROM fields
""",
)

# Codes that stand for postage, fees, vouchers and bookings; codes of one thing differ by case.
ONLINE_RETAIL = Format(
    name="online-retail",
    columns={
        "customer_id": ("CustomerID", "Customer ID"),
        "item_id": ("StockCode",),
        "order_id": ("InvoiceNo", "Invoice"),
        "occurred_at": ("InvoiceDate",),
        "quantity": ("Quantity",),
        "unit_price": ("UnitPrice", "Price"),
        "title": ("Description",),
    },
    required=("customer_id", "item_id", "order_id", "occurred_at", "quantity", "unit_price"),
    owners=(),
    timezone="Europe/London",
    currency="GBP",
    meaning=r"""
CREATE VIEW meant AS
SELECT
  line, broken,
  regexp_replace(customer_id, '\.0+$', '') AS customer_id,
  upper(item_id) AS item_id,
  upper(order_id) AS order_id,
  occurred_at,
  moment(occurred_at) AS at_ms,
  number(quantity) AS units,
  true AS priced,
  minor(unit_price) AS price,
  0.0 AS discount,
  getvariable('currency')::VARCHAR AS currency,
  coalesce(starts_with(upper(order_id), 'C'), false) AS returned,
  true AS loose,
  NOT coalesce(starts_with(upper(order_id), 'A'), false) AND NOT coalesce(regexp_full_match(
    upper(item_id),
    'POST|DOT|M|C2|C3|D|S|B|BANK CHARGES|AMAZONFEE|CRUK|PADS|GIFT(_.*)?|ADJUST[0-9]*|TEST[0-9]*'
  ), false) AS product,
  CASE
    WHEN starts_with(upper(order_id), 'C') AND number(quantity) > 0 THEN 'bad_quantity'
    WHEN NOT starts_with(upper(order_id), 'C') AND number(quantity) < 0 THEN 'stock_correction'
  END AS wrong
FROM fields
""",
)

# The list price is what the till would have asked without card and coupon: the retailer's part
# of the discounts on top of what it received (84.51's guide to the data, "regular price").
# A manufacturer's coupon is paid to the retailer, so it is no discount of the shop's.
COMPLETE_JOURNEY = Format(
    name="complete-journey",
    columns={
        "customer_id": ("household_id", "household_key"),
        "item_id": ("product_id",),
        "order_id": ("basket_id",),
        "occurred_at": ("transaction_timestamp",),
        "quantity": ("quantity",),
        "sales_value": ("sales_value",),
        "retail_disc": ("retail_disc",),
        "coupon_match_disc": ("coupon_match_disc",),
    },
    required=("customer_id", "item_id", "order_id", "occurred_at", "quantity", "sales_value"),
    owners=(),
    timezone="America/New_York",
    currency="USD",
    defaults={"retail_disc": "0", "coupon_match_disc": "0"},
    products=("product_id", "department", "brand", "product_category", "product_type"),
    products_name="products.parquet",
    meaning=r"""
CREATE VIEW meant AS
WITH summed AS (
  SELECT
    *,
    number(quantity) AS units,
    round(minor(sales_value)) AS paid,
    round(minor(sales_value)) + round(abs(minor(retail_disc)))
      + round(abs(minor(coupon_match_disc))) AS listed
  FROM fields
)
SELECT
  line, broken, customer_id, summed.item_id, order_id, occurred_at,
  moment(occurred_at) AS at_ms,
  units,
  true AS priced,
  listed / nullif(units, 0) AS price,
  listed - paid AS discount,
  getvariable('currency')::VARCHAR AS currency,
  coalesce(units < 0, false) AS returned,
  false AS loose,
  -- Petrol is counted in drops of a gallon; coupons, key rings and gift cards are no goods.
  coalesce(department NOT IN (
    'FUEL', 'MISCELLANEOUS', 'COUPON', 'CNTRL/STORE SUP', 'PROD-WHS SALES', 'POSTAL CENTER'
  ), true) AND coalesce(product_type NOT LIKE 'GASOLINE%', true) AS product,
  CASE WHEN paid < 0 THEN 'negative_price' END AS wrong
FROM summed LEFT JOIN products USING (item_id)
""",
)

FORMATS = {each.name: each for each in (PURCHASES, PAIRS, ONLINE_RETAIL, COMPLETE_JOURNEY)}
