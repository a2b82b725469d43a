"""Files of purchases into the event log: probe, stage, classify, write, report."""
