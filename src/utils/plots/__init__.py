"""Figures: arrays in, Axes out. Whoever calls shows (`utils.display`) or saves them."""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "data": [
            "average_faces",
            "agreement",
            "brightness",
            "class_balance",
            "contact_sheet",
            "pictures",
            "sizes",
        ],
        "findings": ["findings", "has_findings"],
        "training": ["history"],
        "scores": ["against_references", "confusion", "per_class", "roc"],
        "calibration": ["reliability", "risk_coverage"],
        "comparison": ["differences", "mappings", "people_and_model"],
        "conditions": ["robustness", "slices"],
        "answers": ["boxes", "map_pairs", "panel", "probabilities", "say_answer", "sensitivity"],
    },
)
