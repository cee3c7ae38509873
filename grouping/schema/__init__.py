"""JSON Schemas of what this package writes: ``formation.schema.json``."""
