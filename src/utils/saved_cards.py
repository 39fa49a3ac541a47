"""What a model.json must hold for its network to answer."""

_BIN = ("from", "to", "count", "right")
"""What each bin of `reliability` holds."""


def check_card(card: object) -> None:
    """Raise ValueError where what model.json holds is not of the kind that an answer needs."""
    if not isinstance(card, dict):
        raise ValueError(f"model.json holds {card!r}: expected an object")
    for name in ("class_names", "stress_classes"):
        names = card.get(name)
        if not (isinstance(names, list) and all(isinstance(one, str) for one in names)):
            raise ValueError(f"{name} {names!r}: expected a list of names")
    abstention, reliability = card.get("abstention"), card.get("reliability") or []
    if not (abstention is None or _has_numbers(abstention, ("confidence",))):
        raise ValueError(f"abstention {abstention!r}: expected null, or an object with the number confidence")
    if not (isinstance(reliability, list) and all(_has_numbers(one, _BIN) for one in reliability)):
        raise ValueError(f"reliability {reliability!r}: expected objects with the numbers {', '.join(_BIN)}")


def _has_numbers(part: object, names: tuple[str, ...]) -> bool:
    return isinstance(part, dict) and all(isinstance(part.get(name), int | float) for name in names)
