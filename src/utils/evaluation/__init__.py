"""How good answers are: metrics with intervals, calibration, abstention, comparison, robustness, label errors."""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "validation": ["choose_on_validation", "measure_seeds"],
        "scoring": ["compare_models", "look_again", "read_evaluation", "score_on_test"],
        "comparison": ["find_disagreements", "score_mappings"],
        "metrics": ["SEED_PROJECT"],
        "registry": ["show_percent"],
    },
)
