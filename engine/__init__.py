"""The domain of Regulars, without a web server and without a command line."""
