"""The states of all customers at once, by SQL over the log; equal to folding every event."""

from training.states.rebuild import states_before

__all__ = ["states_before"]
