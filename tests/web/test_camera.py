"""Checking in by camera: Chromium is given a film of a real ticket's QR code for one."""

import os
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests import tools
from tests.browsers import BROWSERS
from tests.running_system import Person, Stack, tickets
from tests.web.conftest import Visit, Visitor

WIDTH, HEIGHT, FRAMES = 640, 480, 5
#: Draws the QR code that the page shows in the middle of a white picture, and answers its brightness, a digit a pixel.
DRAW = """async ([width, height]) => {
  const svg = new XMLSerializer().serializeToString(document.querySelector('svg[role=img]'));
  const image = new Image();
  await new Promise((resolve) => { image.onload = resolve; image.src = 'data:image/svg+xml,' + encodeURIComponent(svg); });
  const canvas = Object.assign(document.createElement('canvas'), {width, height});
  const drawing = canvas.getContext('2d');
  drawing.fillStyle = '#fff';
  drawing.fillRect(0, 0, width, height);
  drawing.imageSmoothingEnabled = false;
  drawing.drawImage(image, (width - 400) / 2, (height - 400) / 2, 400, 400);
  const pixels = drawing.getImageData(0, 0, width, height).data;
  return Array.from({length: width * height}, (_, place) => (pixels[4 * place] > 127 ? '1' : '0')).join('');
}"""


def _film(page: Page, path: Path) -> None:
    """YUV4MPEG2, black and white."""
    brightness = page.evaluate(DRAW, [WIDTH, HEIGHT])
    frame = bytes(235 if pixel == "1" else 16 for pixel in brightness) + bytes([128]) * (WIDTH * HEIGHT // 2)
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + (b"FRAME\n" + frame) * FRAMES)


def _with_camera(chromium: Browser, film: Path | None) -> Browser:
    """A browser with that film for a camera, or none that works."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    return chromium.browser_type.launch(executable_path=tools.find(*BROWSERS), args=[*root, *(camera if film else [])])


def test_camera_checks_in_a_ticket(chromium: Browser, visit: Visit, organizer: Person, stack: Stack, tmp_path: Path) -> None:
    event = stack.event(organizer, name="Filmed")
    booking = organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    seller = visit(organizer, f"/bookings/{booking['id']}").page
    expect(seller.get_by_role("img", name="QR code")).to_be_visible()
    _film(seller, tmp_path / "ticket.y4m")
    with _with_camera(chromium, tmp_path / "ticket.y4m") as browser:
        door = Visitor(browser, stack)
        door.sign_in(organizer)
        door.page.goto(f"/organise/{event['id']}/check-in")
        door.page.get_by_role("button", name="Scan with camera").click()
        expect(door.page.locator("[data-answer]")).to_have_attribute("data-answer", "yes", timeout=20_000)
        expect(door.page.locator("[data-answer]")).to_contain_text(booking["tickets"][0]["code"])
        door.check_accessibility()
        door.page.wait_for_timeout(1_500)  # it stays in the picture, and is one ticket
        expect(door.page.locator("[data-answer]")).to_have_attribute("data-answer", "yes")
        door.page.get_by_role("button", name="Turn camera off").click()
        expect(door.page.locator("video")).to_have_count(0)
        organizer.last = door.page.evaluate("sessionStorage.getItem('seatledger.position')")
        assert door.unexpected == []
    assert organizer.see(f"/api/bookings/{booking['id']}")["tickets"][0]["status"] == "used"


def test_missing_camera_is_reported_and_codes_can_be_typed(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = stack.event(organizer, name="No camera")
    page = visit(organizer, f"/organise/{event['id']}/check-in").page
    page.get_by_role("button", name="Scan with camera").click()
    expect(page.get_by_role("alert")).to_contain_text("camera")
    expect(page.get_by_label("Ticket code")).to_be_enabled()


def test_large_scripts_are_loaded_only_where_used(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = stack.event(organizer, name="Light")
    visitor = visit(organizer)
    page = visitor.page
    loaded: list[str] = []
    page.on("response", lambda response: loaded.append(response.url.rsplit("/", 1)[1]))

    def has(name: str) -> bool:
        return any(file.startswith(f"{name}-") and file.endswith(".js") for file in loaded)

    for path in ("/", f"/organise/{event['id']}/check-in"):
        page.goto(path)
        visitor.settle()
        page.wait_for_timeout(500)
        assert not has("camera"), path
        assert not has("revenue-chart"), path
    page.get_by_role("button", name="Scan with camera").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert has("camera")
    stack.admin.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    stack.settle()
    page.goto(f"/statistics?event={event['id']}")
    expect(page.get_by_role("img", name="Revenue over time")).to_be_visible()
    assert has("revenue-chart")
