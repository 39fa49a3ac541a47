"""How papermill runs our notebooks: in this environment's kernel, with a bar that names notebook and cell."""

import os
import tempfile
from pathlib import Path

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

from utils.progress import METADATA_KEY

ENGINE = "facial-stress"


class _OwnKernel(AsyncKernelManager):
    """Always this interpreter, whatever kernel another installation calls `python3`."""

    @property
    def kernel_spec(self):
        return KernelSpec(**get_kernel_dict())


class _Manager(NotebookExecutionManager):
    """Names the notebook and the section of the running cell in the bar."""

    section = ""

    def get_cell_description(self, cell, escape_str=""):
        self.show_progress("")
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            self.section = cell.source.splitlines()[0].lstrip("# ")
        return f"{Path(self.nb.metadata.papermill['input_path']).stem}, {self.section}"

    def show_progress(self, text: str) -> None:
        if self.pbar:
            self.pbar.set_postfix_str(text)


class _Client(PapermillNotebookClient):
    """Passes what a cell says of its progress on to the bar."""

    def process_message(self, msg, cell, cell_index):
        text = msg["content"].get("metadata", {}).get(METADATA_KEY)
        if text:
            self.nb_man.show_progress(text)
        return super().process_message(msg, cell, cell_index)


class StageEngine(Engine):
    """papermill's own engine with the three classes above."""

    @classmethod
    def execute_notebook(cls, nb, kernel_name, output_path=None, progress_bar=True, **_ignored):
        manager = _Manager(nb, output_path=output_path, progress_bar=progress_bar)
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(manager, kernel_name)
        finally:
            manager.cleanup_pbar()
            manager.notebook_complete()
        return manager.nb

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, **_ignored):
        with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
            # TCP makes ipykernel warn of missing encryption in every run. Sockets get a folder of their own: by
            # default those of two runs at once would have the same names.
            local = {"transport": "ipc", "ip": f"{folder}/ipc"} if os.name == "posix" else {}
            kernel = _OwnKernel(kernel_name=kernel_name, **local)
            client = _Client(nb_man, km=kernel, kernel_name=kernel_name, timeout=None, startup_timeout=120)
            return client.execute(cleanup_kc=True)


papermill_engines.register(ENGINE, StageEngine)
