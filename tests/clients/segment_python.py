"""Sends orders with Segment's own Python client: URL COUNT."""

import sys

from segment import analytics

url, count = sys.argv[1], int(sys.argv[2])
analytics.write_key = "rk_secret_test"
analytics.host = url
analytics.gzip = True
analytics.max_queue_size = count + 1
failed = []
analytics.on_error = lambda error, _: failed.append(error)
for number in range(count):
    analytics.track(
        user_id=f"c{number % 100}",
        anonymous_id=f"a{number % 100}",
        event="Order Completed",
        properties={
            "order_id": f"o{number}",
            "currency": "EUR",
            "products": [{"product_id": "tea", "price": 2.5, "quantity": 2}],
        },
    )
analytics.shutdown()
sys.exit(str(failed[0]) if failed else 0)
