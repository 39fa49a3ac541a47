"""Networks of other packages, rebuilt in TensorFlow from the weights that they carry; peers.py measures them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from utils.quiet import tf

FACE_API_CLASSES = ["neutral", "happy", "sad", "angry", "fear", "disgust", "surprise"]
"""Of its network's outputs, in their order: src/faceExpressionNet/FaceExpressions.ts."""

FACE_API_MEAN = (122.782, 117.001, 104.298)
"""Red, green and blue that it takes off a picture: src/faceFeatureExtractor/FaceFeatureExtractor.ts."""

LUMA = (0.2989, 0.5870, 0.1140)
"""What `human` makes grey of: src/tfjs/constants.ts."""


def load_face_api(package: Path) -> Callable:
    """`predictExpressions` of @vladmandic/face-api on faces that are already cut out.

    Args:
        package: its unpacked tarball's folder `package`.

    Returns:
        A function from uint8 (n, 48, 48, 3), RGB, to float32 (n, 7), columns as FACE_API_CLASSES.
    """
    weights = _read_weights(package / "model" / "face_expression_model-weights_manifest.json")

    def convolve(pictures, name, stride=1):
        steps = [1, stride, stride, 1]
        if f"{name}/filters" in weights:
            found = tf.nn.conv2d(pictures, weights[f"{name}/filters"], steps, "SAME")
        else:
            filters = weights[f"{name}/depthwise_filter"], weights[f"{name}/pointwise_filter"]
            found = tf.nn.separable_conv2d(pictures, *filters, steps, "SAME")
        return found + weights[f"{name}/bias"]

    @tf.function(reduce_retracing=True)
    def answer(pictures):
        features = (_enlarge(pictures, 112) - FACE_API_MEAN) / 255
        for block in ("dense0", "dense1", "dense2", "dense3"):
            features = total = tf.nn.relu(convolve(features, f"{block}/conv0", stride=2))
            for layer in ("conv1", "conv2", "conv3"):
                total += convolve(features, f"{block}/{layer}")
                features = tf.nn.relu(total)
        features = tf.reduce_mean(features, axis=[1, 2])
        return tf.nn.softmax(features @ weights["fc/weights"] + weights["fc/bias"])

    return lambda pictures: answer(pictures).numpy()


def load_human(package: Path) -> Callable:
    """The emotions of @vladmandic/human on faces that are already cut out: float32 (n, 7), classes as those of `fer`.

    Args:
        package: its unpacked tarball's folder `package`.
    """
    from google.protobuf.json_format import ParseDict

    path = package / "models" / "emotion.json"
    weights = _read_weights(path)
    graph = ParseDict(json.loads(path.read_text(encoding="utf-8"))["modelTopology"], tf.compat.v1.GraphDef())
    for node in graph.node:
        if node.op == "Const":
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(weights[node.name]))
        elif node.op == "_FusedConv2D":
            node.attr["TArgs"].list.type.append(tf.float32.as_datatype_enum)
    imported = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    network = imported.prune("input_1:0", "Identity:0")

    @tf.function(reduce_retracing=True)
    def answer(pictures):
        grey = tf.reduce_sum(_enlarge(pictures, 64) / 255 * LUMA, axis=3, keepdims=True)
        return network((grey - 0.5) * 2)

    return lambda pictures: answer(pictures).numpy()


def _enlarge(pictures, side: int):
    """As TensorFlow.js does unless it is told otherwise: bilinear, corners at corners' upper left; float32."""
    return tf.compat.v1.image.resize_bilinear(tf.cast(pictures, tf.float32), [side, side])


def _read_weights(manifest: Path) -> dict[str, np.ndarray]:
    """By name, of a TensorFlow.js model in one file of bytes; float32, also where it stores 8 bits."""
    content = json.loads(manifest.read_text(encoding="utf-8"))
    ((group),) = content if isinstance(content, list) else content["weightsManifest"]
    stored = b"".join((manifest.parent / name).read_bytes() for name in group["paths"])
    weights, position = {}, 0
    for known in group["weights"]:
        scale = known.get("quantization")
        kind = np.dtype((scale or known)["dtype"])
        values = np.frombuffer(stored, kind, int(np.prod(known["shape"])), position)
        position += values.nbytes
        if scale:
            values = values.astype(np.float32) * np.float32(scale["scale"]) + np.float32(scale["min"])
        weights[known["name"]] = values.reshape(known["shape"])
    if position != len(stored):
        raise ValueError(f"{manifest} describes {position:,} bytes of weights, beside it are {len(stored):,}.")
    return weights
