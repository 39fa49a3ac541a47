"""Silence for start-up lines: of any block, and of TensorFlow and Keras, which are loaded when first asked for.

`from utils.quiet import keras, tf` is the only way to them.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


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
