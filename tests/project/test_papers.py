"""The project's papers exist, are true where a program can check it, and contain what the code cites."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import app

ROOT = Path(__file__).parent.parent.parent
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\n")
TEXTS = [
    name for name in TRACKED if name.endswith((".py", ".md", ".ts", ".tsx", ".yml", ".toml", ".template")) or name == "Makefile"
]


def read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("LICENSE", "Apache License"),
        ("NOTICE", "Made by `make notice`"),
        ("CONTRIBUTING.md", "## Run one test"),
        ("SECURITY.md", "## Report a vulnerability"),
        ("CODE_OF_CONDUCT.md", "harassment"),
        (".editorconfig", "root = true"),
        ("decisions.md", "docs/decisions/README.md"),
        (".github/pull_request_template.md", "make test"),
    ],
)
def test_paper_exists_and_has_its_section(name: str, says: str) -> None:
    assert says in read(name)


def test_hosted_ci_runs_the_local_script() -> None:
    (job,) = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"].values()
    assert job["steps"][-1] == {"run": "bash .ci/run"}
    assert "make test" in read(".ci/run")


def test_notice_matches_the_installed_packages() -> None:
    made = subprocess.run([sys.executable, ROOT / "scripts" / "notice.py"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert made.stdout == read("NOTICE"), "run `make notice`"


def test_version_is_defined_once() -> None:
    assert tomllib.loads(read("pyproject.toml"))["project"]["version"] == app.VERSION
    assert tomllib.loads(read("sdk/pyproject.toml"))["project"]["dynamic"] == ["version"]
    assert "version" not in json.loads(read("frontend/package.json"))
    assert f'__version__ = "{app.VERSION}"' in read("sdk/event_sdk/__init__.py"), "run `make sdk`"


def test_links_in_papers_are_valid() -> None:
    links = [
        (ROOT / name).parent / target
        for name in TRACKED
        if name.endswith(".md")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(name))
    ]
    missing = [link for link in links if not link.exists()]
    assert missing == []


def test_every_row_that_a_test_names_is_in_the_papers_and_every_test_of_the_papers_is_there() -> None:
    rows = dict(re.findall(r"^\| ([RS]\d+) \|.*\| ([^|]*) \|$", read("docs/faults.md"), re.MULTILINE))
    named = {row for name in TEXTS if name.startswith("tests/") for row in re.findall(r'"([RS]\d+)[:,]? ', read(name))}
    assert named <= set(rows)
    for row, tests in rows.items():
        for test in re.findall(r"`([^`]+)`", tests):
            assert (ROOT / test).is_file(), f"{row}: {test}"


DECISIONS = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("0*.md"))


@pytest.mark.parametrize("name", DECISIONS)
def test_decision_has_title_status_date_and_sections(name: str) -> None:
    text = read(f"docs/decisions/{name}")
    status = r"(accepted|superseded by \[\d{4}\]\(\d{4}-[\w-]+\.md\))"
    assert re.match(rf"# {name[:4]}: \S.*\n\n- Status: {status}\n- Date: 20\d\d-\d\d-\d\d\n", text)
    sections = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert sections[:3] == ["Context", "Decision", "Consequences"]
    assert sections[3:] in ([], ["Alternatives"])


@pytest.mark.parametrize("name", DECISIONS)
def test_decision_and_those_that_it_names_in_its_head_link_to_each_other(name: str) -> None:
    head = read(f"docs/decisions/{name}").split("\n## ")[0]
    for relation in re.findall(r"^- (?:Split|Split from|Continued by|Continues): (.*(?:\n  .*)*)", head, re.MULTILINE):
        for other in re.findall(r"\]\((0[\w-]+\.md)\)", relation):
            assert f"]({name})" in read(f"docs/decisions/{other}"), other


def test_decisions_readme_lists_each_decision_once_with_its_title() -> None:
    listed = re.findall(r"^\| \[(\d{4})\]\((.*?)\) \| (.*) \|$", read("docs/decisions/README.md"), re.MULTILINE)
    titles = [read(f"docs/decisions/{name}").splitlines()[0].removeprefix("# ").split(": ", 1) for name in DECISIONS]
    assert listed == [(number, name, title) for name, (number, title) in zip(DECISIONS, titles, strict=True)]


@pytest.mark.parametrize("name", [*(f"docs/decisions/{name}" for name in DECISIONS), "docs/own-projections.md"])
def test_files_that_a_paper_names_exist(name: str) -> None:
    """Checks only paths whose first folder is in the repository: others are branches, topics or folders of a machine."""
    for file in re.findall(r"`([\w-]+/[\w./-]*)`", read(name)):
        assert not (ROOT / file.split("/")[0]).is_dir() or (ROOT / file).exists(), file


def test_decisions_that_code_names_exist() -> None:
    numbers = {name[:4] for name in DECISIONS}
    for name in TEXTS:
        named = set(re.findall(r"\bdecision(?:s/| )(\d{4})\b", read(name)))
        assert named <= numbers, name


@pytest.mark.parametrize("cited", [r"PITFALLS", r"FINDINGS", r"DESIGN\.md", r"STYLE\.md", r"\bissue \d", r"\.\./shared"])
def test_cited_papers_exist(cited: str) -> None:
    own = str(Path(__file__).relative_to(ROOT))
    assert [name for name in TEXTS if name != own and re.search(cited, read(name))] == []
