"""An answer in JSON, and as the page shows it."""

import base64
import math

from babel.numbers import format_percent
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _
from PIL import Image
from werkzeug.exceptions import BadRequest

from utils.inference.classifier import NO_FACE, Classifier, FacePrediction, name_answer
from utils.inference.explain import FEWEST_POINTS, FULL_SCALE, explain, overlay_map
from utils.inference.faces import find_turn, set_small_apart, take_crops
from utils.inference.reasons import REASONS, UNSURE, count_small, say_meaning
from utils.paths import SAMPLE
from utils.pictures import encode_png
from webapp.shown import Shown

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

HELPS = {
    "no_face": lazy_gettext("A face should look towards the camera, be well lit, and not be tiny in the picture."),
    "too_small": lazy_gettext("Come closer, or send the picture in its full size."),
    "too_dark": lazy_gettext("More light would help, from the front if possible."),
    "too_blurred": lazy_gettext("Hold the camera still, come closer, and let the face be in focus."),
}
"""By reason, what would help to get an answer."""


_TURNS = {Image.Transpose.ROTATE_270: 90, Image.Transpose.ROTATE_180: 180, Image.Transpose.ROTATE_90: 270}
"""Degrees, clockwise."""


def answer_in_json(classifier: Classifier, image: Image.Image, face: str, language: str) -> dict:
    """What `POST /api/predict` returns of a picture; openapi.json describes it."""
    crops, small = set_small_apart(take_crops(image, face))
    turn = find_turn(image, crops)
    faces = classifier.judge(crops)
    first = faces[0] if faces else NO_FACE
    return {
        "status": first.status,
        "reason": first.reason,
        "faces": [_face_in_json(one, classifier.target, language) for one in faces],
        "too_small": small,
        "turn": _TURNS[turn] if turn is not None else 0,
    }


def _face_in_json(face: FacePrediction, target: str, language: str) -> dict:
    return {
        "status": face.status,
        "reason": face.reason,
        "sentence": REASONS[face.reason][language] if face.reason else "",
        "meaning": _say_meaning(face, target, language),
        "label": face.label,
        "confidence": face.confidence,
        "frequency": face.frequency,
        "p_stress": face.p_stress,
        "probabilities": face.probabilities,
        "box": face.box,
        "picture": _as_data_url(encode_png(face.picture[0]), "png"),
    }


def _say_meaning(face: FacePrediction, target: str, language: str) -> str:
    """What P(Stress) says of a face that is good enough, "" of another."""
    fine = face.reason in ("", *UNSURE.values())
    return say_meaning(target, name_answer(face.p_stress)[0], face.p_stress, language) if fine else ""


def show_answer(classifier: Classifier, shown: Shown, opened: int | None = None, turned: Shown | None = None) -> dict:
    """What the page's template shows.

    Args:
        classifier: the model.
        shown: the picture that was looked at.
        opened: the number, from 1 on, of the face whose explanation is shown with it.
        turned: the same picture the other way up, where it is offered.
    """
    faces = classifier.judge(shown.crops)
    return {
        "picture": _as_data_url(shown.picture, "jpeg"),
        "faces": [_show_face(face, classifier) for face in faces],
        "reason": "" if faces else NO_FACE.reason,
        "small": count_small(shown.small, get_locale().language),
        "state": shown.write(),
        "turned": turned.write() if turned else "",
        "opened": opened,
        "panel": show_panel(classifier, shown, opened) if opened else None,
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
        "short": tell_apart(confidence, needed) if face.reason in UNSURE.values() else None,
        "frequency": face.frequency,
        "meaning": _say_meaning(face, classifier.target, get_locale().language),
        "reason": face.reason,
        "help": HELPS.get(face.reason, ""),
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


def show_panel(classifier: Classifier, shown: Shown, opened: int) -> dict:
    """What the template shows of one face, by its number: what the network saw, and what moved its answer.

    Raises:
        BadRequest: there is no such face, or no answer about it.
    """
    faces = classifier.judge(shown.crops)
    if not (0 < opened <= len(faces) and faces[opened - 1].label):
        raise BadRequest(_("There is no answer about such a face."))
    face = faces[opened - 1]
    explanation = explain(classifier, face, SAMPLE)
    values = list(explanation.sensitivity.values())
    answers = [name_answer(value)[0] for value in values]
    return {
        "face": _show_face(face, classifier),
        "number": opened if len(faces) > 1 else 0,
        "full_scale": round(100 * FULL_SCALE),
        "fewest": FEWEST_POINTS,
        "map": _as_data_url(encode_png(overlay_map(face.picture[0], explanation.occlusion)), "png"),
        "strongest": explanation.strongest,
        "neighbours": [
            {
                "picture": _as_data_url(encode_png(one.picture), "png"),
                "emotion": CLASSES[one.emotion],
                "label": LABELS[one.label],
            }
            for one in explanation.neighbours
        ],
        "sensitivity": [
            {"name": CHANGES[name], "share": p, "percent": percent(p)} for name, p in explanation.sensitivity.items()
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


def _as_data_url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
