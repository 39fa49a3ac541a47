"""What a stage was run with: parameters, code, data, versions, machine, time."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from utils.code import fingerprint_code
from utils.files import read_json
from utils.paths import ROOT, Run

_PACKAGES = (
    "tensorflow",
    "keras",
    "ai-edge-litert",
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "pillow",
    "matplotlib",
)


def describe_start(stage: str, notebook: Path, parameters: dict) -> dict:
    """What is about to be run, and with what."""
    code = fingerprint_code(notebook)
    return {
        "stage": stage,
        "parameters": parameters,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": find_commit(),
        "code": {name: digest[:12] for name, digest in sorted(code.items())},
        "python": platform.python_version(),
        "versions": find_versions(),
        "machine": describe_machine(),
    }


def describe_end(made: dict, run: Run, seconds: float) -> dict:
    """The same with how long it took and on which data: the content of stages/<stage>.json."""
    manifest = run.data / "manifest.json"
    data = read_json(manifest).get("fingerprint", "") if manifest.exists() else ""
    return made | {"seconds": round(seconds, 1), "data": data}


def find_versions() -> dict[str, str]:
    """Installed versions of the packages that figures depend on."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def describe_machine() -> str:
    """What can be known without a package for it: "Linux x86_64, 2 cores, 8 GB, Intel Xeon"."""
    parts = [f"{platform.system()} {platform.machine()}", f"{os.cpu_count()} cores"]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        parts.append(f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB")
    return ", ".join([*parts, _processor()]).rstrip(", ")


def _processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def find_commit(folder: Path = ROOT) -> str:
    """A checkout's commit, marked where files differ from it; empty outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
