"""Floods of orders that are expensive to decide and are all refused: they cost their senders nothing."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.abuse.test_floods import process_of
from tests.running_system import JSON, LATER, Person, Stack
from tests.soak import rounds, within

CATEGORIES, SENDERS = 50, 4
#: Before there was a bound the process did not respond for 2.6 s, and for 8.3 s with access codes.
SILENT_SECONDS = within(0.5)


def orders(event: JSON, how: str) -> JSON:
    """Of all categories, at a price that is wrong."""
    wanted = [{"category": category[how], "quantity": 1} for category in event["categories"]]
    return {"tickets": wanted, "expected_total": "0.01"}


def test_orders_of_many_categories_do_not_silence_the_process(stack: Stack) -> None:
    organizer, senders, other = stack.person("organizer"), [stack.person() for _ in range(SENDERS)], stack.person()
    categories = [{"name": f"Category {number} {'x' * 20}", "price": "1.00", "capacity": 100} for number in range(CATEGORIES)]
    event = organizer.ok("POST", "/api/events", {"name": "Fair", "starts_at": LATER, "categories": categories})
    path = f"/api/events/{event['id']}"
    for _ in range(rounds(20, 250)):
        codes = {"effect": "access", "max_tickets": 1, "categories": [category["id"] for category in event["categories"]]}
        batch = organizer.ok("POST", f"{path}/codes", codes)["batch"]["id"]
        organizer.ok("DELETE", f"{path}/codes/{batch}")
    small = {"tickets": [{"category": event["categories"][0]["id"], "quantity": 1}]}
    with stack.another_api() as url, httpx.Client(base_url=url, timeout=60, limits=httpx.Limits(max_connections=None)) as http:
        process = process_of(url)
        for how in ("id", "name"):
            body, count = orders(event, how), rounds(200, 450)
            with ThreadPoolExecutor(50) as pool:
                sent = [
                    pool.submit(Person(http, token=senders[n % SENDERS].token).do, "POST", f"{path}/bookings", body)
                    for n in range(count)
                ]
                silences, bookings = list[float](), list[float]()
                with httpx.Client(base_url=url, timeout=60) as own:
                    customer = Person(own, token=other.token)
                    while not all(future.done() for future in sent):
                        began, cpu = time.perf_counter(), sum(process.cpu_times()[:2])
                        assert own.get("/health").is_success
                        silences.append(min(time.perf_counter() - began, sum(process.cpu_times()[:2]) - cpu + 0.02))
                        began = time.perf_counter()
                        customer.ok("POST", f"{path}/bookings", small)
                        bookings.append(time.perf_counter() - began)
            statuses = {future.result().status_code for future in sent}
            print(
                f"{count} orders of {CATEGORIES} categories by {how}: silent for {max(silences) * 1e3:.0f} ms at most,"
                f" others' bookings take {max(bookings) * 1e3:.0f} ms at most; responses {sorted(statuses)}"
            )
            assert statuses <= {409, 503}
            assert max(silences) < SILENT_SECONDS
