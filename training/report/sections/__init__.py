"""The parts of the page, each made from the report's data alone."""
