"""Who a customer is: states folded from events, features, value, lifecycle, RFM."""
