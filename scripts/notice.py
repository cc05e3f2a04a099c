"""Writes NOTICE: the third-party packages that are shipped to browsers, read from the page's lock file and its installed packages.

`make notice` runs it; a test compares. Fails if a package names no licence, or one that is not in LICENCES: check it first."""

import json
import re
import sys
from pathlib import Path

FRONTEND = Path(__file__).parent.parent / "frontend"
LICENCES = {"MIT", "ISC", "Apache-2.0", "BSD-3-Clause", "0BSD", "OFL-1.1", "(MIT OR CC0-1.0)", "MIT AND ISC AND BSD-3-Clause"}
HEAD = """\
Seatledger
Copyright 2026 The Seatledger authors

The web page contains these packages, or parts of them, each under its own licence. Made by `make notice`: do not edit by hand.
The pages at /docs and /redoc are Swagger UI (Apache-2.0, SmartBear Software) and Redoc (MIT, Rebilly, Inc.).

"""


def lines() -> list[str]:
    """One line per package: name, version, licence, and the copyright line of its licence file."""
    packages = json.loads((FRONTEND / "package-lock.json").read_text())["packages"]
    shipped = {path: about for path, about in packages.items() if path and not about.get("dev") and not about.get("optional")}
    listed = []
    for path, about in sorted(shipped.items()):
        name, licence = path.rpartition("node_modules/")[2], about.get("license")
        if licence not in LICENCES:
            raise SystemExit(f"{name} {about['version']} is under {licence}, which is not in LICENCES: see {__file__}.")
        listed.append(" · ".join(filter(None, (f"{name} {about['version']}", licence, _copyright(FRONTEND / path)))))
    return listed


def _copyright(package: Path) -> str:
    """The first copyright line of the licence file, or an empty string."""
    for file in sorted(package.glob("[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*")):
        for line in file.read_text(errors="replace").splitlines():
            if re.match(r"\W*(copyright\b|\(c\))", line.strip(), re.IGNORECASE):
                return " ".join(line.strip(" *#").split())
    return ""


if __name__ == "__main__":
    sys.stdout.write(HEAD + "\n".join(lines()) + "\n")
