"""From customers' states and features to what the page shows."""
