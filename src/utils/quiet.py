"""What work says of itself: no start-up lines, and progress bars that leave no debris.

TensorFlow and Keras are loaded when first asked for; `from utils.quiet import keras, tf` is the only way to them.
"""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tqdm.std import tqdm

METADATA_KEY = "progress"
"""Marks the display messages of a notebook that the pipeline's bar shows and no report keeps."""


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what the block writes to file descriptor 2; show it only where the block fails.

    TensorFlow's C++ code writes there, past Python's `sys.stderr`.
    """
    with tempfile.TemporaryFile() as held:
        saved = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def __getattr__(name: str):
    """`tf` and `keras`, set up and imported without their start-up lines."""
    if name not in ("keras", "tf"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # by default TensorFlow uses oneDNN on the newest processors only; older ones train up to twice as fast with it, too
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with quiet_stderr():
        import keras
        import tensorflow as tf

        tf.zeros(1) + 1  # the first operation writes lines of its own
    # saving a model announces each file, and asking several networks one after the other is called an expensive mistake
    tf.get_logger().setLevel("ERROR")
    globals().update(keras=keras, tf=tf)
    return globals()[name]


def in_notebook() -> bool:
    """Whether this code runs in a Jupyter kernel."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None


class NotebookBar(tqdm):
    """A bar in one output that is updated in place and removed at the end.

    tqdm's own notebook bar is a widget: it leaves an empty box in an executed notebook.
    """

    _handle = None

    def display(self, msg=None, **_options):
        """Show the bar's text, in place of what was shown before."""
        from IPython.display import display

        text = msg if msg is not None else str(self)
        show = self._handle.update if self._handle else display
        options = {} if self._handle else {"display_id": True}
        short = ", ".join(filter(None, [self.desc.rstrip(": "), f"{self.n:,} of {self.total:,}", self.postfix]))
        handle = show({"text/plain": text}, raw=True, metadata={METADATA_KEY: short}, **options)
        self._handle = self._handle or handle

    def close(self):
        """Take the bar away."""
        if self.disable:
            return
        self.disable = True
        with self.get_lock():
            self._decr_instances(self)
        if self._handle:
            from IPython.display import clear_output

            clear_output()


def make_bar(total: int, unit: str, description: str) -> tqdm:
    """A bar to `update`, `set_postfix_str` and `close` by hand."""
    options = {"total": total, "unit": unit, "desc": description, "leave": False, "dynamic_ncols": True}
    if in_notebook():
        return NotebookBar(file=_Nowhere(), ncols=90, **(options | {"dynamic_ncols": False}), mininterval=0.5)
    return tqdm(**options)


def track(items: Iterable, total: int, unit: str, description: str) -> Iterator:
    """Yield the items while a bar counts them."""
    bar = make_bar(total, unit, description)
    try:
        for item in items:
            yield item
            bar.update()
    finally:
        bar.close()


class _Nowhere:
    """tqdm writes line breaks to its file whatever `display` does; they go here."""

    encoding = "utf-8"

    def write(self, text):
        pass

    def flush(self):
        pass
