"""Batch only: ingest, split, fit, evaluate, gate, publish; and the `regulars` command."""
