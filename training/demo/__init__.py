"""What `regulars demo` needs of its own: a client of the API, and its tables."""
