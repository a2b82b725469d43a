"""What things are: events, customers, items, purchase histories. No I/O and no clock."""
