"""Renders faces that are nobody's, with expressions that are known, from CC0 assets: `python -m facegen`."""
