"""The guard at the door: who asks, what they may, and how often."""
