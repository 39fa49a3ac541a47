"""Figures: arrays in, Axes out. Whoever calls shows (`utils.display`) or saves them."""
