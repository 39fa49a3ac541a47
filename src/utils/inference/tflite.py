"""A TFLite network that threads may share: each has an interpreter of its own. No TensorFlow."""

import threading

import numpy as np

from utils.quiet import quiet_stderr

_starting = threading.Lock()


class SharedNetwork:
    """A network in the TFLite format, called like a function.

    One interpreter is not safe under several threads, so each thread makes its own on its first call.

    Args:
        model: the bytes of a .tflite file with one input.
        threads: processor threads that one call may use.

    Raises:
        ValueError: the bytes are no TFLite network.
    """

    def __init__(self, model: bytes, threads: int = 1):
        self._model, self._threads = model, threads
        self._local = threading.local()
        self.input_shape = tuple(self._interpreter().get_input_details()[0]["shape"][1:])

    def __call__(self, batch: np.ndarray) -> list[np.ndarray]:
        """The network's outputs, in its own order, for a batch (n, *input_shape) of the input's dtype."""
        interpreter = self._interpreter()
        if batch.shape != self._local.shape:
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], batch.shape)
            interpreter.allocate_tensors()
            self._local.shape = batch.shape
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], batch)
        interpreter.invoke()
        return [interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()]

    def _interpreter(self):
        if not hasattr(self._local, "interpreter"):
            from ai_edge_litert.interpreter import Interpreter

            # file descriptor 2, which the start-up lines go to, belongs to all threads
            with _starting, quiet_stderr():
                self._local.interpreter = Interpreter(model_content=self._model, num_threads=self._threads)
                self._local.interpreter.allocate_tensors()
            self._local.shape = None
        return self._local.interpreter
