"""How a training went."""

import matplotlib.pyplot as plt
import pandas as pd

from utils.plots.style import MODEL_COLOURS


def history(histories: dict[str, list[dict]], axes=None, first_epoch: int = 1):
    """Loss and accuracy over epochs, training dashed and validation solid; two Axes.

    Args:
        histories: by model name, one dict an epoch as `train.train_network` gives them.
        axes: two to draw on; None: new ones.
        first_epoch: the number of their first epoch; later than 1 where a training was resumed.
    """
    axes = axes if axes is not None else plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")[1]
    for model, history in histories.items():
        table = pd.DataFrame(history, index=range(first_epoch, first_epoch + len(history)))
        best = table["val_loss"].idxmin()
        dashed = "--" if len(table) > 1 else "."  # a line needs two points
        for ax, figure in zip(axes, ("loss", "accuracy"), strict=True):
            options = {"color": MODEL_COLOURS.get(model), "alpha": 0.6, "label": f"{model}, training"}
            (training,) = ax.plot(table.index, table[figure], dashed, **options)
            colour = training.get_color()
            ax.plot(table.index, table[f"val_{figure}"], color=colour, label=f"{model}, validation")
            ax.plot(best, table.loc[best, f"val_{figure}"], "o", color=colour)
    for ax, figure in zip(axes, ("loss [nats]", "accuracy"), strict=True):
        ax.set(title=figure.split()[0].capitalize(), xlabel="epoch (dot: lowest validation loss)", ylabel=figure)
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside lower center", ncols=max(2, len(histories)))
    return axes
