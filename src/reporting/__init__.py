"""What people read: the sections and sentences of notebooks, HTML pages, comparisons, cards, published figures."""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "findings": ["sum_up_baseline", "sum_up_comparison"],
        "people": ["describe_votes", "show_given", "show_people"],
        "sections": [
            "show_abstention",
            "show_calibration",
            "show_comparisons",
            "show_faces",
            "show_label_errors",
            "show_mappings",
            "show_references",
            "show_robustness",
            "show_roc",
            "show_scores",
            "show_slices",
            "show_training",
            "watch_training",
        ],
        "sentences": [
            "describe_balance",
            "describe_choice",
            "describe_evaluation",
            "describe_histories",
            "describe_network",
            "describe_plan",
            "describe_precision",
            "describe_seeds",
            "describe_temperature",
            "sum_up_data",
            "sum_up_second_look",
        ],
    },
)
