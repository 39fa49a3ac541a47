"""`tf` and `keras`, imported without their start-up lines. The only place that imports them."""

import os

from utils.quiet import quiet_stderr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
with quiet_stderr():
    import keras
    import tensorflow as tf

    tf.zeros(1) + 1  # the first operation writes lines of its own
tf.get_logger().setLevel("WARNING")  # saving a model announces each file

__all__ = ["keras", "tf"]
