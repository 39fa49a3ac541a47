"""What a notebook shows: figures with alternative text, tables, and sentences with computed numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown, display


def show_figure(axes, alt: str) -> None:
    """Display the figure of some Axes with its alternative text, then close it."""
    figure = np.ravel(axes)[0].figure
    figure.tight_layout()
    display(figure, metadata={"image/png": {"alt": alt}})
    plt.close(figure)


def show_table(table: pd.DataFrame, decimals: int = 4) -> None:
    """Display a table without its index: text to the left, whole numbers with thousands separators."""
    numbers = table.select_dtypes("number")
    formats = {name: f"{{:.{decimals}f}}" if pd.api.types.is_float_dtype(numbers[name]) else "{:,}" for name in numbers}
    left = [
        {"selector": f".col{position}", "props": "text-align: left"}
        for position, name in enumerate(table)
        if name not in numbers
    ]
    styled = table.reset_index(drop=True).style.hide(axis="index").format(formats).set_table_styles(left)
    display(HTML(styled.to_html()))


def say(text: str) -> None:
    """Display a Markdown sentence; the numbers in it come from code."""
    display(Markdown(text))
