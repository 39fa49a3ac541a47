"""What a change touches: each is made in a copy of the checkout, reaches the reader, and is counted."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from support import CHECKOUT


@pytest.fixture
def copy(tmp_path):
    """A copy of the checkout's code and notebooks, to change."""
    for name in ("src", "notebooks", "profiles"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.npz", "*.mo"))
    shutil.copy(CHECKOUT / "dodo.py", tmp_path / "dodo.py")
    return tmp_path


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), encoding="utf-8")


def list_touched(copy):
    """The files in which the copy differs from the checkout, and those that are new."""
    paths = [path.relative_to(copy) for name in ("src", "notebooks") for path in (copy / name).rglob("*.*")]
    paths = [path for path in paths if path.suffix in (".py", ".ipynb", ".j2", ".css", ".json")]
    there = {path: (CHECKOUT / path).read_bytes() for path in paths if (CHECKOUT / path).exists()}
    return {path.as_posix() for path in paths if there.get(path) != (copy / path).read_bytes()}


def run_in(copy, code):
    """What Python prints with the copy's code and folders instead of the checkout's."""
    paths = os.pathsep.join(map(str, (copy / "src", CHECKOUT / "tests" / "helpers")))
    given = os.environ | {"PYTHONPATH": paths, "STRESS_FACES_ROOT": str(copy)}
    result = subprocess.run([sys.executable, "-c", code], cwd=copy, env=given, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_new_metric_in_every_report(copy):
    evaluation = copy / "src" / "utils" / "evaluation"
    edit(
        evaluation / "metrics.py",
        '        "balanced_accuracy": _mean_of_defined(recall),\n',
        '        "balanced_accuracy": _mean_of_defined(recall),\n        "youden": recall.sum(axis=0) - 1,\n',
    )
    edit(
        evaluation / "registry.py",
        "METRICS = (\n",
        'METRICS = (\n    Metric("stress.youden", "Youden\'s J", "sum of the recalls, less one", _EVERYWHERE),\n',
    )
    printed = run_in(
        copy,
        "from report_runs import write_run\n"
        "from reporting.comparison import write_comparison\n"
        "from reporting.facts import read_facts\n"
        "from reporting.findings import describe_comparison\n"
        "from reporting.first_page import write_index\n"
        "from reporting.published import publish\n"
        "from reporting.published import render_schema\n"
        "from reporting.results import render_runs\n"
        "from reporting.sections import tabulate_scores\n"
        "runs = [write_run('one'), write_run('other', skill=1.2)]\n"
        "write_index(runs[0]), write_comparison(*runs), publish(runs[0])\n"
        "facts = read_facts(runs[0])\n"
        "print(tabulate_scores(facts.models).to_csv(), end='====')\n"
        "print(describe_comparison(facts.test['comparisons'][-1], []), end='====')\n"
        "print(render_runs(rendered=False), end='====')\n"
        "print(render_schema()['stress'])\n",
    )
    *named, schema = printed.split("====")
    reports = copy / "reports"
    pages = [reports / page for page in ("one/index.html", "one/model_card.md", "compare-one+other.html")]
    shown = [*named, *(path.read_text(encoding="utf-8").replace("&#39;", "'") for path in pages)]
    assert all("Youden's J" in text for text in shown)
    assert len(named) == 3
    assert "| `youden` | figure | sum of the recalls, less one |" in schema
    touched = list_touched(copy)
    assert touched == {"src/utils/evaluation/metrics.py", "src/utils/evaluation/registry.py"}


def test_a_new_augmentation_parameter(copy):
    notebook = copy / "notebooks" / "03_augmented_retraining.ipynb"
    edit(notebook, '"FLIP = True  # mirror', '"GAMMA = 0.4  # each way\\n",\n    "FLIP = True  # mirror')
    edit(notebook, '\\"flip\\": FLIP}', '\\"flip\\": FLIP, \\"gamma\\": GAMMA}')
    augmentation = copy / "src" / "utils" / "models" / "augmentation.py"
    edit(augmentation, "flip: bool, seed: int = 0, **kwargs", "flip: bool, gamma: float = 0, seed: int = 0, **kwargs")
    edit(
        augmentation, "        self.rotation, self.zoom", "        self.gamma = gamma\n        self.rotation, self.zoom"
    )
    edit(
        augmentation,
        "        return round_to_grey(moved)\n",
        "        power = tf.exp(self.generator.uniform((count, 1, 1, 1), -self.gamma, self.gamma))\n"
        "        return round_to_grey(255 * (moved / 255) ** power if training else moved)\n",
    )
    printed = run_in(
        copy,
        "import numpy as np\n"
        "from utils import models\n"
        "from utils.display import say\n"
        "from utils.files import read_cells\n"
        "from utils.paths import NOTEBOOKS\n"
        "cells = read_cells(NOTEBOOKS / '03_augmented_retraining.ipynb')\n"
        "sources = [cell['source'] for cell in cells if cell['cell_type'] == 'code']\n"
        "names = {'models': models, 'say': lambda text: None, 'seeds': [0], 'manifest': {'show_pictures': False}}\n"
        "exec(sources[1], names)\n"
        "exec(next(source for source in sources if source.startswith('changes')), names)\n"
        "grey = np.full((8, 48, 48, 3), 100, np.uint8)\n"
        "print(len(set(names['augmentation'](grey, training=True).numpy().ravel())) > 4)\n"
        "recipe = models.Recipe('strong_cnn', ((4,),), (24,), 8, 'float32', names['changes'])\n"
        "print(recipe.describe()['augmentation']['gamma'])\n",
    )
    assert printed.split() == ["True", "0.4"]
    touched = list_touched(copy)
    assert touched == {"notebooks/03_augmented_retraining.ipynb", "src/utils/models/augmentation.py"}


def test_a_network_of_ones_own(copy):
    networks = copy / "src" / "utils" / "models" / "networks.py"
    mine = (
        "\n\ndef build_mine(class_count):\n"
        "    picture = keras.Input((48, 48, 3), dtype='uint8')\n"
        "    x = layers.Rescaling(1 / 255)(picture)\n"
        "    x = layers.SeparableConv2D(4, 3, activation='gelu')(x)\n"
        "    x = layers.GlobalAveragePooling2D()(layers.BatchNormalization()(x))\n"
        "    return keras.Model(picture, layers.Softmax()(layers.Dense(class_count)(x)))\n"
    )
    networks.write_text(networks.read_text(encoding="utf-8") + mine, encoding="utf-8")
    printed = run_in(
        copy,
        "import numpy as np, pandas as pd\n"
        "from utils import models\n"
        "from utils.data.dataset import Split\n"
        "from utils.inference.classifier import Classifier\n"
        "from utils.paths import Run\n"
        "pictures = np.random.default_rng(0).integers(256, size=(8, 48, 48, 3), dtype=np.uint8)\n"
        "split = Split(pd.DataFrame({'file': range(8)}), pictures, np.eye(2, dtype=np.float32)[[0, 1] * 4],\n"
        "              np.array([0, 1] * 4))\n"
        "changes = {'rotation': 5.0, 'zoom': 0.1, 'shift': 1.0, 'flip': True}\n"
        "recipe = models.Recipe('mine', models.choose_widths([], None, 'mine'),\n"
        "                       models.choose_sides([], 2, None, 'mine'), 4, 'float32', changes)\n"
        "trained = models.train_strong(recipe, split, split, ['happy', 'sad'], 0, models.Store())\n"
        "views = models.choose_views([[24, 48]], 'mine')\n"
        "network = models.build_inference_network(trained.network, 2.0, views)\n"
        "card = {'class_names': ['happy', 'sad'], 'stress_classes': ['sad'], 'temperature': 2.0, 'abstention': None}\n"
        "card |= {'training': recipe.describe() | {'views': [view._asdict() for view in views]}, 'target': 'labels'}\n"
        "folder = Run('own').models / 'EmotionDetector_2'\n"
        "models.save_model(folder, network, card, pictures)\n"
        "answers = Classifier.load(folder).probabilities(pictures)\n"
        "raw = models.predict(trained.network, pictures) ** 0.5\n"
        "print(abs(answers - raw / raw.sum(axis=1, keepdims=True)).max() < 5e-3)\n"
        "print(abs(answers - models.predict(models.load_network(folder), pictures)).max() < 1e-4)\n",
    )
    assert printed.split() == ["True", "True"]
    assert list_touched(copy) == {"src/utils/models/networks.py"}


def test_a_notebook_06(copy):
    sample, new = copy / "data" / "sample" / "faces.zip", nbformat.v4
    sample.parent.mkdir(parents=True)
    sample.touch()
    cells = [new.new_markdown_cell("# 6 · A closer look\n\nWhat else?")]
    cells.append(new.new_code_cell('RUN = "sample"  # name of the run', metadata={"tags": ["parameters"]}))
    nbformat.write(new.new_notebook(cells=cells), copy / "notebooks" / "06_closer_look.ipynb")
    edit(
        copy / "src" / "utils" / "paths.py",
        '    Stage("05_second_look", needs="03_augmented_retraining"),\n',
        '    Stage("05_second_look", needs="03_augmented_retraining"),\n    Stage("06_closer_look"),\n',
    )
    printed = run_in(
        copy,
        "from utils.paths import Run\n"
        "from reporting.first_page import write_index\n"
        "write_index(Run('sample'))\n"
        "import sys, runpy; sys.argv = ['doit']\n"
        "tasks = runpy.run_path('dodo.py')['task_stage']()\n"
        "print([task['name'] for task in tasks])\n",
    )
    assert "'06_closer_look']" in printed
    assert "A closer look" in (copy / "reports" / "sample" / "index.html").read_text(encoding="utf-8")
    assert list_touched(copy) == {"notebooks/06_closer_look.ipynb", "src/utils/paths.py"}


def test_another_figure_in_a_notebook(copy):
    plots = copy / "src" / "utils" / "plots" / "scores.py"
    figure = "\n\ndef counts(numbers, ax=None):\n    ax = make_axes(ax)\n    ax.plot(numbers)\n    return ax\n"
    plots.write_text(plots.read_text(encoding="utf-8") + figure, encoding="utf-8")
    path = copy / "notebooks" / "04_single_image_inference.ipynb"
    notebook = nbformat.read(path, as_version=4)
    code = 'from utils.plots.scores import counts\nshow_figure(counts([1, 2]), "A line", "classes")'
    notebook.cells.append(nbformat.v4.new_code_cell(code))
    nbformat.write(notebook, path)
    printed = run_in(
        copy,
        "import nbformat\n"
        "from reporting.html import find_figures\n"
        "from utils.paths import Run\n"
        "import utils.display as display\n"
        f"notebook = nbformat.read({str(path)!r}, as_version=4)\n"
        "outputs = []\n"
        "display.display = lambda data, raw, metadata: outputs.append((data, metadata))\n"
        "from utils.display import show_figure\n"
        "exec(notebook.cells[-1].source)\n"
        "made = [nbformat.v4.new_output('display_data', data, metadata=metadata) for data, metadata in outputs]\n"
        "notebook.cells[-1].outputs = made\n"
        "run = Run('sample'); run.reports.mkdir(parents=True)\n"
        "nbformat.write(notebook, run.reports / '04_single_image_inference.ipynb')\n"
        "print([(figure.name, figure.alt) for figure in find_figures(run)])\n",
    )
    assert "[('classes', 'A line')]" in printed
    assert list_touched(copy) == {"notebooks/04_single_image_inference.ipynb", "src/utils/plots/scores.py"}
