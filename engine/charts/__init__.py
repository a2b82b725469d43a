"""Charts as SVG text, the same in a report, a console and a notebook; no browser, no network."""
