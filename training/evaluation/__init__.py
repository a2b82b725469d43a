"""How well lists would have served, how sure that is, and in which words to say so."""
