"""Segments of customers: conditions as data, asked of a database or of one customer."""
