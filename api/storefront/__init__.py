"""A sample shop over the catalogue, to see lists, events and consent as a visitor does."""
