"""Each documented problem is produced by a request (`problem_recipes.py`), and has a page that explains it."""

from html.parser import HTMLParser
from typing import Any

import pytest

from app.problems import _FRAMEWORK_PROBLEMS, PROBLEMS, slug_of
from tests.abuse.operations import Target
from tests.abuse.problem_recipes import FACTS, RECIPES
from tests.abuse.refusals import refused
from tests.abuse.scene import Scene
from tests.running_system import Person, Stack

STATUSES = {slug_of(kind): problem.status for kind, problem in PROBLEMS.items()} | {
    problem.title.lower().replace(" ", "-"): problem.status for problem in _FRAMEWORK_PROBLEMS.values() if problem.status != 422
}
PROMISED = {slug for slug, status in STATUSES.items() if status < 500}


@pytest.fixture
def scene(stack: Stack, target: Target, organizer: Person, alice: Person, strict_api: str) -> Scene:
    return Scene(stack, target, organizer, alice, strict_api)


def test_every_documented_problem_has_a_recipe() -> None:
    assert RECIPES.keys() == PROMISED


@pytest.mark.parametrize("slug", RECIPES)
def test_each_problem_is_produced(slug: str, scene: Scene) -> None:
    response = RECIPES[slug](scene)
    problem = refused(response, STATUSES[slug], slug=slug)
    assert problem.items() >= FACTS.get(slug, {}).items()
    assert response.headers["cache-control"] == "no-store"


class _Words(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self.tags = "", set[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("slug", STATUSES)
def test_each_problem_has_a_page(slug: str, stack: Stack) -> None:
    response = stack.http.get(f"/problems/{slug}")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = _Words(response.text)
    assert str(STATUSES[slug]) in page.words
    assert f"/problems/{slug}" in page.words
    assert page.tags <= {"html", "meta", "title", "main", "h1", "p", "code"}


@pytest.mark.parametrize(
    "slug", ["", "x", "<script>alert(1)</script>", "%3Cimg%20src=x%3E", "%00", "%ff", "sold-out%00", "{title}", "a" * 5_000]
)
def test_unknown_problem_has_no_page_and_is_not_echoed(slug: str, stack: Stack) -> None:
    response = stack.http.get(f"/problems/{slug}")
    refused(response, 404, slug="not-found")
    assert "<" not in response.text
