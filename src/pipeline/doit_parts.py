"""What doit needs of us beside its tasks: a memory that survives being killed, and words for people."""

import sys
from pathlib import Path

from doit.dependency import DatabaseException, JsonDB
from doit.reporter import ConsoleReporter

from utils.files import write_json


class DurableDB(JsonDB):
    """doit's JSON file, written whenever a stage ends: doit itself writes it once, when all have ended."""

    desc = "JSON file, written after each stage"

    def _load(self):
        try:
            return super()._load()
        except DatabaseException:
            sys.exit(f"{self.name} is broken: remove it; all stages of this run are then run again.")

    def set(self, task_id, dependency, value):
        """Keep one fact about a task; with its last, write the file."""
        super().set(task_id, dependency, value)
        # doit stores this key last
        if dependency == "deps:":
            self.dump()

    def remove(self, task_id):
        """Delete the record of a task whose stage failed, in the file as well."""
        super().remove(task_id)
        self.dump()

    def dump(self):
        """Write the file in one step; where that cannot be done, one line says so and all ends."""
        try:
            write_json(Path(self.name), self._db)
        except OSError as error:
            # doit would show where in it this happened
            sys.exit(f"{self.name} cannot be written: {error.strerror}. Mend that; the next run goes on from here.")


class StageReporter(ConsoleReporter):
    """Says what runs, what failed, or, in its attribute `nothing_to_do`, that there was nothing to do."""

    desc = "the pipeline's own"
    nothing_to_do = "Nothing to do."
    ran = False

    def execute_task(self, task):
        """Remember that something ran; a stage tells of itself."""
        self.ran = self.ran or bool(task.actions)  # a group of tasks has none

    def skip_uptodate(self, task):
        """Name the stage that need not run."""
        if task.name.startswith("stage:"):
            self.write(f"{task.name.removeprefix('stage:')}: up to date\n")

    def add_failure(self, task, fail):
        """Say why a stage failed."""
        self.ran = True
        super().add_failure(task, fail)

    def _write_failure(self, result, **_options):
        self.write(f"{result['exception'].get_msg()}\n")

    def complete_run(self):
        """Say so where there was nothing to do, or what doit itself has to complain of."""
        if self.runtime_errors:
            super().complete_run()
        elif not self.ran:
            self.write(f"{self.nothing_to_do}\n")
