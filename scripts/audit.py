"""Looks for known vulnerabilities of what the lock files pin: pip-audit asks PyPI, `npm audit` asks npm's registry.

`make audit` runs it. Exit codes: 0 none is known, 1 some are, 2 not all could be asked about. Where a
mirror has packages but no advisories, pip-audit succeeds: so reports are read, not exit codes.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
#: requirements-dev.txt has all that requirements.txt and requirements-otel.txt have.
LOCKS = ("requirements-dev.txt", "requirements-node.txt", "requirements-audit.txt")
PIP_AUDIT = (
    str(ROOT / "build" / "audit" / "bin" / "pip-audit"), "--disable-pip", "--require-hashes", "--progress-spinner", "off",
    "--format", "json", *(part for lock in LOCKS for part in ("--requirement", lock)),
)  # fmt: skip
NPM_AUDIT = ("npm", "audit", "--package-lock-only", "--json")
SECONDS = 300


class Report(NamedTuple):
    """`unknown`: what could not be asked about, with the reason; empty if all could."""

    vulnerable: list[str]
    unknown: str = ""


#: Who is asked, by which command, where, and what reads its output.
Command = tuple[str, tuple[str, ...], Path, Callable[[str], Report]]


def read_pip_audit(output: str) -> Report:
    dependencies = json.loads(output)["dependencies"]
    found = {f"{each['name']} {each['version']}: {vuln['id']}" for each in dependencies for vuln in each.get("vulns", ())}
    skipped = sorted({each["name"] for each in dependencies if "skip_reason" in each})
    unknown = f"{len(skipped)} of {len(dependencies)} packages have no advisories there: {', '.join(skipped[:5])}"
    return Report(sorted(found), unknown if skipped or not dependencies else "")


def read_npm_audit(output: str) -> Report:
    report = json.loads(output)
    if "vulnerabilities" not in report:
        return Report([], report.get("message") or report.get("error", {}).get("summary") or "no report")
    advisories = {
        f"{name} {via['range']}: {via['url']}"
        for name, each in report["vulnerabilities"].items()
        for via in each["via"]
        if isinstance(via, dict)  # else the name of a package below it, which has an entry of its own
    }
    return Report(sorted(advisories))


def audited(command: tuple[str, ...], directory: Path, read: Callable[[str], Report]) -> Report:
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=SECONDS)
        return read(done.stdout)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Report([], str(error))
    except (ValueError, KeyError):
        return Report([], (done.stderr.strip().splitlines() or ["no report"])[-1])


def main(*commands: Command) -> int:
    reports = []
    for asked, command, directory, read in commands:
        report = audited(command, directory, read)
        reports.append(report)
        for line in report.vulnerable:
            print(f"{asked}: {line}")
        if report.unknown:
            print(f"{asked}: the advisories can't be reached, so nothing is known. {report.unknown}")
        elif not report.vulnerable:
            print(f"{asked}: no known vulnerability.")
    if any(report.vulnerable for report in reports):
        return 1
    return 2 if any(report.unknown for report in reports) else 0


BOTH: tuple[Command, ...] = (
    ("PyPI", PIP_AUDIT, ROOT, read_pip_audit),
    ("npm", NPM_AUDIT, ROOT / "frontend", read_npm_audit),
)

if __name__ == "__main__":
    sys.exit(main(*BOTH))
