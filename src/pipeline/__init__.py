"""Runs the notebooks: their stages and parameters, and what each leaves behind."""
