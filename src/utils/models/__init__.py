"""Networks and how they are trained and saved. The only room that needs TensorFlow."""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "networks": [
            "build_baseline_cnn",
            "build_inference_network",
            "describe_layers",
            "load_network",
            "make_network",
        ],
        "augmentation": ["RandomAffine", "add_augmentation"],
        "recipe": [
            "Recipe",
            "choose_initial_model",
            "choose_sides",
            "choose_teachers",
            "choose_views",
            "choose_widths",
        ],
        "train": [
            "BaselineRecipe",
            "best_epoch",
            "list_still_falling",
            "compile_network",
            "predict",
            "predict_views",
            "set_seed",
            "train_from_seeds",
            "train_network",
        ],
        "strong_training": ["train_strong", "train_strong_from_seeds"],
        "store": ["Store"],
        "save": ["save_model"],
    },
)
