"""What a benchmark's figures need around them: machine and code, a spread, and a place in docs/speed.md."""

import os
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from pipeline.provenance import describe_machine, find_commit, find_versions
from utils.files import fill, write_text

DOC = Path(__file__).resolve().parents[1] / "docs" / "speed.md"

_FLAGS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "bf16")
"""What a processor may have that speeds up products of matrices."""


def describe_place() -> dict:
    """Machine, libraries, commit, time, and how busy the machine was before the benchmark began."""
    return {
        "machine": describe_machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "flags": _read_flags(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": find_versions(),
        "commit": find_commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _read_flags() -> list[str]:
    """Those of _FLAGS that the processor has; empty where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    words = next((line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))), [])
    return [flag for flag in _FLAGS if flag in words]


def has_amx(place: dict) -> bool:
    """Whether the processor multiplies matrices of bfloat16 in hardware."""
    return "amx_bf16" in place["flags"]


def say_where(place: dict) -> str:
    """On which machine, with what, when; and a warning where other work may have spoilt the figures."""
    versions = ", ".join(f"{name} {place['versions'][name]}" for name in ("tensorflow", "keras", "ai-edge-litert"))
    said = f"{place['machine']} ({', '.join(place['flags'])}; {place['cores']} cores used); {versions}; "
    said += f"commit {place['commit'] or 'unknown'}; {place['date'][:10]}."
    if place["load"] is not None and place["load"] > 0.3 * place["cores"]:
        said += f" The machine was busy with other work (load {place['load']}): it is faster than it looks here."
    return said


def spread(values: Sequence[float]) -> dict:
    """Median, lowest and highest of repeated measurements, and how many there were."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "count": len(values)}


def spreads(table: pd.DataFrame) -> dict[str, dict]:
    """The `spread` of each column."""
    return {name: spread(table[name].tolist()) for name in table}


def show(figure: dict, unit: str = "") -> str:
    """ "1.31 s (1.20 to 1.42)"."""
    median, low, high = (f"{figure[key]:,.{_decimals(figure[key])}f}" for key in ("median", "low", "high"))
    return f"{median} {unit}".strip() + f" ({low} to {high})"


def _decimals(value: float) -> int:
    return 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2


def render_table(rows: Sequence[tuple[str, str, str]]) -> str:
    """Markdown: what, figure, what is wanted."""
    lines = ["| | median (lowest to highest) | wanted |", "|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def fill_doc(marker: str, content: str) -> None:
    """Renew one part of docs/speed.md."""
    write_text(DOC, fill(DOC.read_text(encoding="utf-8"), marker, content))
