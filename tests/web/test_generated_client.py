"""The page's client is what orval makes of the server's document, today."""

import filecmp
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FRONTEND = ROOT / "frontend"
GENERATED = Path("src/shared/api/generated")


def _files(directory: Path) -> set[Path]:
    return {path.relative_to(directory) for path in directory.rglob("*") if path.is_file()}


def test_generated_client_is_up_to_date(tmp_path: Path) -> None:
    copy = tmp_path / "frontend"
    shutil.copytree(FRONTEND / GENERATED.parent, copy / GENERATED.parent, ignore=shutil.ignore_patterns("generated"))
    for name in ("package.json", "orval.config.ts", "tsconfig.json"):
        shutil.copy(FRONTEND / name, copy)
    (copy / "node_modules").symlink_to(FRONTEND / "node_modules")
    made = subprocess.run(["make", "client", f"FRONTEND={copy}"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    again = copy / GENERATED
    assert _files(again) == _files(FRONTEND / GENERATED)
    _, different, failed = filecmp.cmpfiles(again, FRONTEND / GENERATED, map(str, _files(again)), shallow=False)
    assert (different, failed) == ([], []), "the API has changed: run `make client`"
