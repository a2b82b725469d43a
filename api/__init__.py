"""The HTTP API: what a storefront asks and tells, over the engine's contracts."""
