"""How papermill runs our notebooks: in this environment's kernel, with a bar that names notebook and cell."""

import os
import sys
import tempfile
import time
from pathlib import Path

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbformat.v4 import new_markdown_cell
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

from utils.paths import SEALED
from utils.quiet import METADATA_KEY

ENGINE = "facial-stress"


LONGEST_SOCKET_PATH = 100
"""Bytes: systems allow 104 or 108 for the name of a socket, with a zero behind it."""

SEAL = "SealedTest"
"""The name of `sealed_test.SealedTest`; importing it would bring pandas."""

EVERY = 60.0
"""Seconds from one line of progress to the next where there is no terminal."""


class _OwnKernel(AsyncKernelManager):
    """Always this interpreter, whatever kernel another installation calls `python3`."""

    has_ended = False
    """Set when all cells have run: an interrupt, which comes before each shutdown, would be told as an error then."""

    @property
    def kernel_spec(self):
        return KernelSpec(**get_kernel_dict())

    async def _async_interrupt_kernel(self):
        if not self.has_ended:
            await super()._async_interrupt_kernel()

    interrupt_kernel = _async_interrupt_kernel


class _Manager(NotebookExecutionManager):
    """Names the notebook and the section of the running cell: in a bar, or else in a line now and then."""

    section = ""
    told: float | None = None

    def get_cell_description(self, cell, _escape_str=""):
        """Notebook and section of a cell, for the bar."""
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            self.section = cell.source.splitlines()[0].lstrip("# ")
        self.show_progress("")
        return self._describe()

    def _describe(self) -> str:
        return f"{Path(self.nb.metadata.papermill['input_path']).stem}, {self.section}"

    def show_progress(self, text: str) -> None:
        """Tell how far the running cell has come."""
        if self.pbar:
            self.pbar.set_postfix_str(text)
        elif self.told is None or time.monotonic() - self.told >= EVERY:
            self.told = time.monotonic()
            print(", ".join(filter(None, [self._describe(), text])), file=sys.stderr, flush=True)


class _Client(PapermillNotebookClient):
    """Passes what a cell says of its progress on."""

    def papermill_execute_cells(self):
        super().papermill_execute_cells()
        self.km.has_ended = True

    def process_message(self, msg, cell, cell_index):
        text = msg["content"].get("metadata", {}).get(METADATA_KEY)
        if text:
            self.nb_man.show_progress(text)
        return super().process_message(msg, cell, cell_index)


class StageEngine(Engine):
    """papermill's own engine with the three classes above."""

    @classmethod
    def execute_notebook(cls, nb, kernel_name, output_path=None, progress_bar=True, **_ignored):
        """Run all cells; the notebook that was run is saved even where one fails."""
        manager = _Manager(nb, output_path=output_path, progress_bar=progress_bar)
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(manager, kernel_name)
        finally:
            manager.cleanup_pbar()
            manager.notebook_complete()
        if SEALED:
            end_at_seal(manager.nb)
        return manager.nb

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, **_ignored):
        """Run the cells in a kernel of this environment."""
        with tempfile.TemporaryDirectory(prefix="kernel-", dir=choose_socket_folder()) as folder:
            # TCP makes ipykernel warn of missing encryption in every run. Sockets get a folder of their own: by
            # default those of two runs at once would have the same names.
            short = os.name == "posix" and len(os.fsencode(f"{folder}/ipc-1")) <= LONGEST_SOCKET_PATH
            local = {"transport": "ipc", "ip": f"{folder}/ipc"} if short else {}
            kernel = _OwnKernel(kernel_name=kernel_name, **local)
            client = _Client(nb_man, km=kernel, kernel_name=kernel_name, timeout=None, startup_timeout=120)
            return client.execute(cleanup_kc=True)


def end_at_seal(notebook) -> None:
    """Where a cell was refused the test, end the executed notebook before it, as if it had no more cells."""
    for position, cell in enumerate(notebook.cells):
        if any(output.get("ename") == SEAL for output in cell.get("outputs", [])):
            text = "**The test stays sealed.** This run is a point of a sweep, and points are compared on validation."
            notebook.cells[position:] = [new_markdown_cell(text)]
            notebook.metadata.papermill["exception"] = None
            return


def choose_socket_folder() -> str | None:
    """Where sockets may lie: None, the usual place, unless its path (TMPDIR) is too long for the name of one."""
    usual, shorter = tempfile.gettempdir(), "/tmp"
    room = len(os.fsencode(f"{usual}/kernel-12345678/ipc-1")) <= LONGEST_SOCKET_PATH
    return None if room or not os.access(shorter, os.W_OK) else shorter


papermill_engines.register(ENGINE, StageEngine)
