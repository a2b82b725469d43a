"""The tables of a customer's state, one in each module: their rows, and how events change them."""
