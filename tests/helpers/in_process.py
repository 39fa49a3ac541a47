"""`python -m in_process NAME=value ...`: the pipeline, but a notebook's cells run in this process, not in a kernel.

For tests of what runs when, and of what is left behind; a kernel takes a second to start.
"""

import contextlib
import importlib.abc
import importlib.util
import io
import sys

from doit.__main__ import main


def execute(_engine, nb_man, _kernel_name, **_options):
    """As `StageEngine.execute_managed_notebook`."""
    from nbformat.v4 import new_output  # slow to import, and not every run of the pipeline runs a stage

    names, count = {"__name__": "__main__"}, 0
    for position, cell in enumerate(nb_man.nb.cells):
        nb_man.cell_start(cell, position)
        if cell.cell_type == "code":
            count += 1
            cell.execution_count, printed = count, io.StringIO()
            try:
                with contextlib.redirect_stdout(printed):
                    exec(cell.source, names)
            except RuntimeError as error:
                # as papermill's client, which raises when all is written down
                told = {"ename": type(error).__name__, "evalue": str(error), "traceback": []}
                cell.outputs = [new_output("error", **told)]
                return
            if printed.getvalue():
                cell.outputs = [new_output("stream", text=printed.getvalue())]
        nb_man.cell_complete(cell, position)


class PatchEngine(importlib.abc.MetaPathFinder):
    """Patches `pipeline.engine` when a stage imports it: what has nothing to run is not to wait for papermill."""

    def find_spec(self, name, _path, _target=None):
        if name != "pipeline.engine":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def load_and_patch(module):
            load(module)
            module.StageEngine.execute_managed_notebook = classmethod(execute)

        spec.loader.exec_module = load_and_patch
        return spec


if __name__ == "__main__":
    sys.meta_path.insert(0, PatchEngine())
    sys.exit(main())
