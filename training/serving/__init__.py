"""The processes of `regulars serve`: one supervisor, and workers that it replaces without a gap."""
