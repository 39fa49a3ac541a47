"""One picture -> one answer, without TensorFlow: faces found and judged, the saved model, what moved its answer.

`python -m utils.inference PICTURE ...` answers on the command line.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "classifier": ["Classifier", "NO_FACE"],
        "explain": ["compare_with_shuffled", "explain", "say_likeness", "sum_up_answer"],
        "own_picture": ["SHIPPED", "choose_model", "is_rendered", "read_own"],
        "reasons": ["say_meaning"],
    },
)
