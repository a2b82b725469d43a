"""Control: what the shop wants of a list beside the best scores, and what it costs."""
