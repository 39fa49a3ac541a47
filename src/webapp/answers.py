"""An answer in JSON, and as the page shows it."""

import base64
import math
from io import BytesIO

import numpy as np
from babel.numbers import format_percent
from flask_babel import get_locale, lazy_gettext
from PIL import Image, ImageDraw

from utils.inference.classifier import NO_FACE, Classifier, FacePrediction, name_answer
from utils.inference.explain import explain, overlay_map
from utils.inference.reasons import REASONS
from utils.paths import SAMPLE
from utils.pictures import encode_png

LABELS = {"Stress": lazy_gettext("Stress"), "Non-stress": lazy_gettext("Non-stress")}

CLASSES = {
    "angry": lazy_gettext("angry"),
    "contempt": lazy_gettext("contempt"),
    "disgust": lazy_gettext("disgust"),
    "fear": lazy_gettext("fear"),
    "happy": lazy_gettext("happy"),
    "neutral": lazy_gettext("neutral"),
    "sad": lazy_gettext("sad"),
    "surprise": lazy_gettext("surprise"),
} | LABELS

CHANGES = {
    "as it is": lazy_gettext("as it is"),
    "mirrored": lazy_gettext("mirrored"),
    "2 px left": lazy_gettext("2 px left"),
    "2 px right": lazy_gettext("2 px right"),
    "2 px up": lazy_gettext("2 px up"),
    "2 px down": lazy_gettext("2 px down"),
    "darker by a fifth": lazy_gettext("darker by a fifth"),
    "brighter by a fifth": lazy_gettext("brighter by a fifth"),
}

_LONGEST_SIDE = 720
"""Pixels of the picture with its boxes."""

_BOX_COLOUR = "#e69f00"


def answer_in_json(classifier: Classifier, faces: list[FacePrediction], language: str) -> dict:
    """What `POST /api/predict` returns; the README describes it."""
    first = faces[0] if faces else NO_FACE
    return {
        "model": classifier.name,
        "status": first.status,
        "reason": first.reason,
        "faces": [_face_in_json(face, language) for face in faces],
    }


def _face_in_json(face: FacePrediction, language: str) -> dict:
    return {
        "status": face.status,
        "reason": face.reason,
        "sentence": REASONS[face.reason][language] if face.reason else "",
        "label": face.label,
        "confidence": face.confidence,
        "frequency": face.frequency,
        "p_stress": face.p_stress,
        "probabilities": face.probabilities,
        "box": face.box,
        "picture": _as_data_url(encode_png(face.picture[0]), "png"),
    }


def show_answer(classifier: Classifier, image: Image.Image, faces: list[FacePrediction]) -> dict:
    """What the page's template shows: the picture with its boxes, each face's answer, and why, for the first one."""
    return {
        "picture": _draw_boxes(image, faces),
        "faces": [_show_face(face, classifier) for face in faces],
        "reason": "" if faces else NO_FACE.reason,
        "panel": _show_panel(classifier, faces[0]) if faces else None,
    }


def _show_face(face: FacePrediction, classifier: Classifier) -> dict:
    """One face for the template.

    `probabilities` are the data set's own classes where they are more than the labels; `short` is the confidence that
    is too low and the one that is needed, where that is why there is no answer.
    """
    likelier, confidence = name_answer(face.p_stress)
    needed = classifier.abstention["confidence"] if classifier.abstention else 0.0
    names = sorted(face.probabilities, key=lambda name: face.probabilities[name], reverse=True)
    return {
        "label": LABELS[face.label] if face.label else None,
        "leaning": LABELS[likelier],
        "percent": percent(confidence),
        "short": tell_apart(confidence, needed) if face.reason == "low_confidence" else None,
        "frequency": face.frequency,
        "reason": face.reason,
        "p_stress": face.p_stress,
        "input": _as_data_url(encode_png(face.picture[0]), "png"),
        "probabilities": [
            {
                "name": CLASSES.get(name, name),
                "share": face.probabilities[name],
                "percent": percent(face.probabilities[name]),
                "stress": name in classifier.stress_classes,
            }
            for name in names
        ]
        if len(names) > 2
        else [],
    }


def _show_panel(classifier: Classifier, face: FacePrediction) -> dict:
    explanation = explain(classifier, face, SAMPLE)
    values = list(explanation.wobble.values())
    answers = [name_answer(value)[0] for value in values]
    return {
        "map": _as_data_url(encode_png(overlay_map(face.picture[0], explanation.occlusion)), "png"),
        "strongest": round(100 * float(np.abs(explanation.occlusion).max())),
        "neighbours": [
            {
                "picture": _as_data_url(encode_png(one.picture), "png"),
                "emotion": CLASSES[one.emotion],
                "label": LABELS[one.label],
            }
            for one in explanation.neighbours
        ],
        "wobble": [
            {"name": CHANGES[name], "share": p, "percent": percent(p)} for name, p in explanation.wobble.items()
        ],
        "same": answers.count(answers[0]) - 1,
        "changes": len(answers) - 1,
        "low": percent(min(values)),
        "high": percent(max(values)),
    }


def percent(share: float) -> str:
    """A share, 0 to 1, in whole percent as the page's language writes it; nothing is quite certain or impossible."""
    bounded = min(max(share, 0.01), 0.99)
    sign = "" if 0.005 <= share < 0.995 else "<" if share < bounded else ">"
    return sign + format_percent(bounded, locale=get_locale())


def tell_apart(lower: float, higher: float) -> tuple[str, str]:
    """Two shares, 0 to 1, in whole percent; where these are alike, to a decimal, the lower one down, the other up."""
    whole = percent(lower), percent(higher)
    if whole[0] != whole[1]:
        return whole
    shares = math.floor(1000 * lower) / 1000, math.ceil(1000 * higher) / 1000
    low, high = (format_percent(share, locale=get_locale(), decimal_quantization=False) for share in shares)
    return low, high


def _draw_boxes(image: Image.Image, faces: list[FacePrediction]) -> str:
    """The picture at the page's size with a numbered box around each face, as a data URL."""
    shown = image.copy()
    shown.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    scale, draw = shown.width / image.width, ImageDraw.Draw(shown)
    width = max(2, round(max(shown.size) / 150))
    for number, face in enumerate(faces, 1):
        box = [side * scale for side in face.box]
        if face.box != (0, 0, *image.size):
            draw.rectangle([box[0], box[1], box[2] - 1, box[3] - 1], outline=_BOX_COLOUR, width=width)
        if len(faces) > 1:
            draw.text(
                (box[0] + 2 * width, box[1] + width), str(number), fill=_BOX_COLOUR, font_size=max(shown.size) / 25
            )
    encoded = BytesIO()
    shown.save(encoded, "JPEG", quality=88)
    return _as_data_url(encoded.getvalue(), "jpeg")


def _as_data_url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
