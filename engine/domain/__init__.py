"""What things are: events, customers, items, purchase histories. No I/O, no clock, no environment."""
