"""The HTTP application: `app.main` builds it from all packages below, `python -m app` serves it."""

import tomllib
from pathlib import Path

#: Read from pyproject.toml, the only place that states it.
VERSION: str = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]["version"]
