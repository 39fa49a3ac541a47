"""How fast the pictures of a zip are read and audited, and with how much memory.

python benchmarks/ingest.py ZIP
"""

import resource
import sys
import time
from pathlib import Path

from utils.data.audit import audit_pictures
from utils.data.ingest import inspect_source, read_pictures


def main() -> None:
    started = time.perf_counter()
    records, pixels, _ = read_pictures(inspect_source(Path(sys.argv[1]).expanduser()))
    read = time.perf_counter()
    audit_pictures(records, pixels)
    audited = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = len(records) / (read - started)
    print(f"{len(records):,} pictures read in {read - started:.1f} s ({rate:,.0f} a second)")
    print(f"audited in {audited - read:.1f} s; peak memory {peak:,.0f} MB")


if __name__ == "__main__":
    main()
