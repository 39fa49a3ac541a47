"""How a training went."""

import matplotlib.pyplot as plt
import pandas as pd

from utils.plots.style import MODEL_COLOURS


def plot_history(histories: dict[str, list[dict]], axes=None):
    """Loss and accuracy over epochs, training dashed and validation solid; two Axes.

    Args:
        histories: by model name, one dict an epoch as `training.train_network` gives them.
    """
    axes = axes if axes is not None else plt.subplots(1, 2, figsize=(10, 3.8))[1]
    for model, history in histories.items():
        table = pd.DataFrame(history, index=range(1, len(history) + 1))
        best = table["val_loss"].idxmin()
        for ax, figure in zip(axes, ("loss", "accuracy"), strict=True):
            colour = MODEL_COLOURS.get(model)
            ax.plot(table.index, table[figure], "--", color=colour, alpha=0.6, label=f"{model}, training")
            ax.plot(table.index, table[f"val_{figure}"], color=colour, label=f"{model}, validation")
            ax.plot(best, table.loc[best, f"val_{figure}"], "o", color=colour)
    for ax, figure in zip(axes, ("loss [nats]", "accuracy"), strict=True):
        ax.set(title=figure.split()[0].capitalize(), xlabel="epoch (dot: the one kept)", ylabel=figure)
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0].legend(fontsize=8)
    return axes
