"""Each list judged for its own purpose, and what steering lists costs."""
