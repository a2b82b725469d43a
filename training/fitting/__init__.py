"""Fitting the scorers: one module a model, each with its configuration."""
