"""Invented people: the shape of a head, its skin, hair and glasses. No face here is anybody's."""

from dataclasses import dataclass
from functools import cache

import numpy as np

ETHNICITIES = ("african", "asian", "caucasian")
AGE_GROUPS = ("child", "young", "middle", "old")
HAIR_STYLES = ("bald", "short", "full", "long", "fringe", "hat", "scarf")

_AGES = {
    "child": {"child": 0.75, "young": 0.25},
    "young": {"young": 1.0},
    "middle": {"young": 0.55, "old": 0.45},
    "old": {"old": 0.95, "young": 0.05},
}
_AGE_SHARES = (0.16, 0.46, 0.23, 0.15)
_SKIN = {"african": (0.13, 0.32), "asian": (0.36, 0.58), "caucasian": (0.42, 0.68)}
_SPREAD = {"eyebrows": 0.12, "asym": 0.2, "head": 0.25, "ears": 0.35, "mouth": 0.18, "eyes": 0.22}
_BIAS = {"eye-scale-incr": 0.35, "eye-height2-incr": 0.25, "eyebrows-trans-up": 0.2}
_OPPOSITES = (
    ("-incr", "-decr"),
    ("-up", "-down"),
    ("-out", "-in"),
    ("-forward", "-backward"),
    ("-convex", "-concave"),
    ("-compress", "-uncompress"),
)


@dataclass(frozen=True)
class Person:
    """An invented one.

    Attributes:
        ethnicity, sex, age_group, hair_style: what the data set tells.
        shape: float32, weights of the head's shapes.
        skin, hair, lips, iris, brows: reflectances, 0 to 1; `brows` how dark they are drawn.
        thick_brows: 0 thin to 1 thick.
        wrinkles: 0 to 1.
        beard, moustache, stubble, freckles, make_up: strengths, 0 to 1.
        hair_volume: decimetres.
        hairline: decimetres that it has gone back.
        cloth: reflectance of what is worn.
        glasses: "", "clear" or "dark".
    """

    ethnicity: str
    sex: str
    age_group: str
    shape: np.ndarray
    skin: float
    hair: float
    lips: float
    iris: float
    brows: float
    thick_brows: float
    wrinkles: float
    beard: float
    moustache: float
    stubble: float
    freckles: float
    make_up: float
    hair_style: str
    hair_volume: float
    hairline: float
    cloth: float
    glasses: str


def draw_person(shape_names: tuple[str, ...], rng: np.random.Generator) -> Person:
    """Somebody new.

    Args:
        shape_names: of the head's shapes, in the order of `Person.shape`.
        rng: where all draws come from.
    """
    ethnicity = str(rng.choice(ETHNICITIES, p=(0.24, 0.26, 0.50)))
    sex = str(rng.choice(("female", "male")))
    age = str(rng.choice(AGE_GROUPS, p=_AGE_SHARES))
    grown, old = age != "child", age == "old"
    skin = rng.uniform(*_SKIN[ethnicity])
    hair = _draw_hair(ethnicity, age, rng)
    bearded = sex == "male" and grown
    beard = bearded and rng.random() < 0.16
    return Person(
        ethnicity=ethnicity,
        sex=sex,
        age_group=age,
        shape=_draw_shape(shape_names, ethnicity, sex, age, rng),
        skin=skin,
        hair=hair,
        lips=rng.uniform(0.5, 0.8),
        iris=rng.uniform(0.03, 0.09) if ethnicity != "caucasian" or rng.random() < 0.4 else rng.uniform(0.1, 0.28),
        brows=rng.uniform(0.5, 0.95) * (1 if hair < 0.2 else 0.75),
        thick_brows=float(np.clip(rng.normal(0.65 if sex == "male" else 0.3, 0.25), 0, 1)),
        wrinkles={"child": 0.0, "young": 0.08, "middle": 0.35, "old": 0.8}[age] * rng.uniform(0.6, 1.2),
        beard=rng.uniform(0.6, 0.95) if beard else 0.0,
        moustache=rng.uniform(0.6, 0.95) if beard or (bearded and rng.random() < 0.06) else 0.0,
        stubble=rng.uniform(0, 0.45) if bearded else 0.0,
        freckles=rng.uniform(0, 0.8) * (rng.random() < 0.2),
        make_up=rng.uniform(0.3, 1) if sex == "female" and grown and rng.random() < 0.55 else 0.0,
        hair_style=_draw_style(sex, old, rng),
        hair_volume=rng.uniform(0.04, 0.16),
        hairline=max(0.0, rng.normal(0.12 if sex == "male" and age in ("middle", "old") else 0.0, 0.06)),
        cloth=rng.uniform(0.03, 0.85),
        glasses=str(rng.choice(("", "clear", "dark"), p=(0.88, 0.115, 0.005) if not old else (0.7, 0.29, 0.01))),
    )


def _draw_hair(ethnicity: str, age: str, rng: np.random.Generator) -> float:
    """Reflectance of the hair: dark, fair where the skin often goes with it, or grey."""
    grey = {"child": 0, "young": 0.0, "middle": 0.25, "old": 0.8}[age]
    if rng.random() < grey:
        return rng.uniform(0.25, 0.6)
    if ethnicity == "caucasian":
        low, high = ((0.03, 0.1), (0.1, 0.22), (0.25, 0.45))[rng.choice(3, p=(0.4, 0.35, 0.25))]
        return rng.uniform(low, high)
    return rng.uniform(0.02, 0.07)


def _draw_style(sex: str, old: bool, rng: np.random.Generator) -> str:
    male = (0.12 + 0.15 * old, 0.58 - 0.15 * old, 0.13, 0.03, 0.06, 0.08, 0.0)
    female = (0.01, 0.14 + 0.2 * old, 0.16, 0.42 - 0.2 * old, 0.15, 0.05, 0.07)
    return str(rng.choice(HAIR_STYLES, p=male if sex == "male" else female))


def _draw_shape(names: tuple[str, ...], ethnicity: str, sex: str, age: str, rng: np.random.Generator) -> np.ndarray:
    index, details = _index_shapes(names)
    weights = _draw_details(details, len(names), rng)
    second, mixed = str(rng.choice(ETHNICITIES)), rng.uniform(0, 0.3)
    softness, other_sex = rng.uniform(0, 0.25), "male" if sex == "female" else "female"
    build = "max" if rng.random() < 0.5 else "min"
    amount = abs(rng.normal(0, 0.45))
    for age_name, age_share in _AGES[age].items():
        for sex_name, sex_share in ((sex, 1 - softness), (other_sex, softness)):
            share = age_share * sex_share
            weights[index[f"macrodetails/{ethnicity}-{sex_name}-{age_name}"]] += share * (1 - mixed)
            weights[index[f"macrodetails/{second}-{sex_name}-{age_name}"]] += share * mixed
            universal = f"macrodetails/universal-{sex_name}-{age_name}-averagemuscle-{build}weight"
            weights[index[universal]] += share * amount
    return weights


@cache
def _index_shapes(names: tuple[str, ...]) -> tuple[dict[str, int], np.ndarray]:
    """Positions by name, and one row a detail: positive shape, negative shape or -1, number of its pair, spread, bias.

    The left and the right one of a detail are a pair; other details are a pair alone.
    """
    index = {name: number for number, name in enumerate(names)}
    pairs: dict[tuple[str, str], int] = {}
    rows = []
    for name in names:
        group, _, detail = name.partition("/")
        if group == "macrodetails" or name.endswith(tuple(down for _, down in _OPPOSITES)):
            continue
        opposites = [name.removesuffix(up) + down for up, down in _OPPOSITES if name.endswith(up)]
        negative = index.get(opposites[0], -1) if opposites else -1
        both = detail.removeprefix("l-").removeprefix("r-")
        pair = pairs.setdefault((group, both), len(pairs))
        spread = _SPREAD.get(group, 0.22) * (1 if negative >= 0 else 0.5)
        rows.append((index[name], negative, pair, spread, _BIAS.get(both, 0.0)))
    return index, np.array(rows)


def _draw_details(details: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Weights of noses, mouths, eyes and the rest, left and right nearly alike: float32 (count,)."""
    positive, negative, pair = details[:, :3].astype(int).T
    common, own = rng.standard_normal(pair.max() + 1), rng.standard_normal(len(pair))
    value = np.clip((common[pair] + 0.15 * own) * details[:, 3] + details[:, 4], -1, 1)
    weights = np.zeros(count, np.float32)
    weights[positive] = np.maximum(value, 0)
    opposed = negative >= 0
    weights[negative[opposed]] = np.maximum(-value[opposed], 0)
    return weights
