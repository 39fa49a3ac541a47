"""Lets this checkout's packages go before files of their names that lie in the current folder or on PYTHONPATH.

`python -m pipeline.own_first` puts a copy of this module into the environment, where it runs whenever Python starts:
the direct commands, `python -m utils.inference` for example, are otherwise lost as soon as somebody's folder holds a
utils.py. Another checkout that PYTHONPATH names still goes before this one.
"""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder

PACKAGES = ("facegen", "pipeline", "reporting", "utils", "webapp")

_NAME = "facial_stress_own_first"


class _OwnFirst:
    """Finds PACKAGES in one folder, where what would be found otherwise is no such package.

    Args:
        sources: the folder in which they lie; where it is gone, nothing is found.
    """

    def __init__(self, sources: str):
        self.sources = sources

    def find_spec(self, name: str, path=None, _target=None) -> ModuleSpec | None:
        """The package, or None where Python's own finders are to look."""
        if path is not None or name not in PACKAGES:
            return None
        found = PathFinder.find_spec(name)
        return found if found and _lies_in_a_checkout(found.origin) else PathFinder.find_spec(name, [self.sources])


def _lies_in_a_checkout(package: str | None) -> bool:
    # every start of Python would wait for pathlib
    folder = os.path.dirname(os.path.dirname(package or ""))  # noqa: PTH120
    return os.path.isfile(f"{folder}/utils/data/sealed_test.py")  # noqa: PTH113


def install(sources: str) -> None:
    """Ask for PACKAGES here first, from now on."""
    sys.meta_path.insert(0, _OwnFirst(sources))


def main() -> None:
    """Have every Python of this environment do so."""
    import sysconfig
    from pathlib import Path

    site, here = Path(sysconfig.get_path("purelib")), Path(__file__).resolve()
    (site / f"{_NAME}.py").write_text(here.read_text(encoding="utf-8"), encoding="utf-8")
    (site / f"{_NAME}.pth").write_text(f"import {_NAME}; {_NAME}.install({str(here.parents[1])!r})\n", encoding="utf-8")


if __name__ == "__main__":
    main()
