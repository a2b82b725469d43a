"""The history of the tables; `engine.store.schema` applies it."""
