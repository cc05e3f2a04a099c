"""The HTTP application: `app.main` makes it of all the rooms, `python -m app` serves it."""

import tomllib
from pathlib import Path

#: The one place that states it is pyproject.toml.
VERSION: str = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]["version"]
