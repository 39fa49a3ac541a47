"""Raw pictures -> checked, split, kept: what a source holds, what is wrong with it, and data/processed/<run>/."""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "sources": ["fetch_source", "find_decisions"],
        "annotations": ["tabulate_attributes"],
        "ingest": ["inspect_source", "read_pictures"],
        "audit": [
            "audit_pictures",
            "count_findings",
            "count_votes",
            "describe_classes",
            "describe_label_source",
            "tabulate_findings",
            "tabulate_flags",
        ],
        "splits": ["assign_splits", "tabulate_splits"],
        "sealed_test": ["count_evaluations", "read_notes"],
        "dataset": ["load_split", "read_manifest", "validation_picture", "write_dataset"],
    },
)
