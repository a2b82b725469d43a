"""Segment's tracking API: clients of Segment and RudderStack send here by changing the host."""
