"""The shop's customers on one page."""
