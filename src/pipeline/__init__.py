"""Runs the notebooks: their stages, parameters and staleness, and what each leaves behind."""
