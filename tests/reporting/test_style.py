"""Colours of pages and figures: readable on their paper, light and dark, and told apart without colour vision."""

import re
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

import reporting
from utils.plots import style

CSS = Path(reporting.__file__).parent / "templates" / "report" / "page.css"
TEXT, MARK = 4.5, 3.0
"""Contrasts that WCAG 2.2 asks of text (1.4.3) and of what a figure's reading depends on (1.4.11)."""


def read_variables() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", CSS.read_text(encoding="utf-8"), re.S)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in (light, dark))
    return {"light": light, "dark": light | dark}


VARIABLES = read_variables()


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(first: str, second: str) -> float:
    bright, dim = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def figure_colours() -> dict[str, str]:
    cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    named = {"seed": style.SEED_COLOUR, "reference": style.REFERENCE_COLOUR, "ink": plt.rcParams["text.color"]}
    named |= style.LABEL_COLOURS | style.MODEL_COLOURS
    return named | {f"cycle {position}": to_hex(colour) for position, colour in enumerate(cycle)}


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "soft", "link", "alarm", "good", "code-word", "code-text", "code-number"])
def test_text_is_readable_on_paper_and_on_shade(scheme, name):
    colours = VARIABLES[scheme]
    for ground in ("paper", "shade"):
        assert contrast(colours[name], colours[ground]) >= TEXT, ground


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", figure_colours())
def test_marks_stand_out_from_the_paper(scheme, name):
    colour = to_hex(figure_colours()[name])
    if scheme == "dark":
        colour = VARIABLES["dark"][f"f-{colour[1:]}"]
    assert contrast(colour, VARIABLES[scheme]["paper"]) >= MARK


def test_every_colour_of_the_style_file_has_a_darker_pages_counterpart():
    keys = ("axes.edgecolor", "axes.labelcolor", "grid.color", "text.color", "xtick.color", "xtick.labelcolor")
    for key in keys:
        assert f"f-{to_hex(plt.rcParams[key])[1:]}" in VARIABLES["dark"], key
    assert "--f-fefefe: var(--paper)" in CSS.read_text()
    assert to_hex(plt.rcParams["figure.facecolor"]) == to_hex(plt.rcParams["axes.facecolor"]) == "#fefefe"


@pytest.mark.parametrize("group", [style.LABEL_COLOURS, style.MODEL_COLOURS], ids=["labels", "models"])
@pytest.mark.parametrize("missing", ["none", "red", "green"])
def test_colours_are_told_apart_without_red_or_green(group, missing):
    """Viénot et al. 1999 (Color Research & Application 24): what a dichromat sees, in linear RGB."""
    matrices = {
        "none": np.eye(3),
        "red": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "green": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    }
    seen = [np.array(matrices[missing]) @ np.array(to_rgb(colour)) ** 2.2 for colour in group.values()]
    for first, second in combinations(seen, 2):
        assert np.linalg.norm(first.clip(0, 1) ** (1 / 2.2) - second.clip(0, 1) ** (1 / 2.2)) > 0.15


def test_one_label_one_colour_everywhere():
    assert not set(style.LABEL_COLOURS.values()) & set(style.MODEL_COLOURS.values())
    cycle = {to_hex(colour) for colour in plt.rcParams["axes.prop_cycle"].by_key()["color"]}
    assert not cycle & set(style.LABEL_COLOURS.values())
