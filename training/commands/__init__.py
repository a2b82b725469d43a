"""One module for each subcommand of `regulars`."""
