"""`tf` and `keras`, set up and imported without their start-up lines. The only place that imports them."""

import os

from utils.quiet import quiet_stderr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# by default TensorFlow uses oneDNN on the newest processors only; older ones train up to twice as fast with it, too
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
with quiet_stderr():
    import keras
    import tensorflow as tf

    tf.zeros(1) + 1  # the first operation writes lines of its own
# saving a model announces each file, and asking several networks one after the other is called an expensive mistake
tf.get_logger().setLevel("ERROR")

__all__ = ["keras", "tf"]
