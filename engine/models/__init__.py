"""Scorers: from purchase histories to a preference for every item."""
