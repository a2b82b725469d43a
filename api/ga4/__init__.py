"""GA4's shapes: its items in events of ours, and its Measurement Protocol."""
