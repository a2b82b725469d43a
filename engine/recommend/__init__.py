"""The stages of an answer, the same for evaluation, batch and requests."""
