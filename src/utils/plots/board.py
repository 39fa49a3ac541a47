"""TensorBoard on the runs: the epochs of every training as event files, and the program that shows them.

TensorBoard is an extra: it is asked for by few, and every training's epochs stand in its report, too.

python -m utils.plots.board
"""

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from utils.files import read_json
from utils.paths import ROOT, TRAININGS

FIGURES = ("loss", "accuracy")


def find_histories() -> dict[str, list[dict]]:
    """By run and model, one dict an epoch: of saved models, and of stronger networks whose training has not ended."""
    found = {}
    for card in sorted((ROOT / "models").glob("*/*/model.json")):
        if history := read_json(card).get("history"):
            found["/".join(card.parts[-3:-1])] = history
    for log in sorted(TRAININGS.glob("*/history.csv")):
        found[f"not ended/{log.parent.name}"] = pd.read_csv(log).to_dict("records")
    return found


def write_events(histories: dict[str, list[dict]], folder: Path) -> None:
    """Write event files as TensorBoard reads them, a folder for training and one for validation of each history."""
    from utils.quiet import tf

    scalars = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"})
    for name, history in histories.items():
        for part, prefix in (("training", ""), ("validation", "val_")):
            writer = tf.summary.create_file_writer(str(folder / name / part))
            with writer.as_default():
                for number, epoch in enumerate(history, 1):
                    for figure in FIGURES:
                        tf.summary.write(figure, tf.constant(epoch[prefix + figure]), number, scalars)
            writer.close()


def main() -> None:
    """Show all histories until Ctrl+C."""
    if find_spec("tensorboard") is None:
        sys.exit(
            f'TensorBoard is not installed (33 MB): {sys.executable} -m pip install "tensorboard>=2.21", then again.'
        )
    histories = find_histories()
    if not histories:
        sys.exit(f"No training in {ROOT / 'models'}: run `make pipeline` first.")
    with tempfile.TemporaryDirectory() as folder, suppress(KeyboardInterrupt):
        write_events(histories, Path(folder))
        print(f"{len(histories)} trainings; those that go on are read once, now. Ctrl+C ends this.", flush=True)
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", folder]
        subprocess.run(command, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, check=False)


if __name__ == "__main__":
    main()
