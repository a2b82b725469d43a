"""What a customer's events say about the customer: state, totals, RFM."""
