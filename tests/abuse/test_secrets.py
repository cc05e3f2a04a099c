"""What is secret or personal stays where it belongs (S13): planted through the API of a running system, and then looked for in all
that its processes write.

Accounts may hold names, addresses and phone numbers; nobody may hold a token or a password as it is. Redis is watched, command by
command, because most of what it gets is gone soon."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import redis
from psycopg import sql

from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from ledger.settings import Settings
from notifications.manage_urls import ManageUrls
from tests.conftest import PostgresServer
from tests.forked_processes import ForkedProcess
from tests.guests import MAIL, Guest, proof_for
from tests.quick_people import quick_people
from tests.running_system import Person, free_port, system_settings, tickets, wait_until_ready
from tests.soak import END_SECONDS

#: The tables of people. What is personal may stand there, and nowhere else. Results of commands about an account are erased with it
#: (tests/accounts/test_account_service.py).
TABLES_OF_PEOPLE = {"accounts", "account_commands", "contact_codes", "former_addresses"}
#: In the name of the event, which belongs everywhere: what is looked for can be found.
EVENT = f"Concert {uuid4().hex}"


class Planted(NamedTuple):
    """`secret` may be nowhere, `personal` only in the tables of people. `admin_token` and `booking_id`: to look by."""

    secret: dict[str, str]
    personal: dict[str, str]
    admin_token: str
    booking_id: str

    @property
    def all(self) -> dict[str, str]:
        return {**self.secret, **self.personal}


class System:
    """Two API processes, with one log as text and one as JSON, a worker and a tick, which log all that they may."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        logging = {"LOG_LEVEL": "INFO", "ACCESS_LOG": "1"}
        starts = [(("app",), "json"), (("app",), "text"), (("workers", "worker"), "json"), (("workers", "tick"), "text")]
        self.settings, self.directory = settings, directory
        self.ports = [settings.port, free_port()]
        self._processes = []
        for number, (words, log_format) in enumerate(starts):
            output = directory / f"{number}-{words[-1]}-{log_format}"
            output.mkdir(parents=True)
            more = {"LOG_FORMAT": log_format, **logging, **({"PORT": str(self.ports[number])} if words == ("app",) else {})}
            self._processes.append(ForkedProcess(words, {**os.environ, **settings.to_env(), **more}, output))
        for port in self.ports:
            wait_until_ready(f"http://127.0.0.1:{port}", *self._processes)

    def logs(self) -> dict[str, str]:
        return {f"{file.parent.name}/{file.name}": file.read_text() for file in self.directory.glob("*/std*")}

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(END_SECONDS)


@pytest.fixture
def system(
    postgres_server: PostgresServer,
    template_database: str,
    redis_url: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    name = f"secrets_{uuid4().hex[:8]}"
    settings = system_settings(postgres_server.create(name, template_database), redis_url, tmp_path / "data")
    mailing = replace(settings, guest_mails_per_hour=5, mail_url=MAIL["MAIL_URL"], mail_from=MAIL["MAIL_FROM"])
    started = System(replace(mailing, compat_apis=""), tmp_path / "logs")
    yield started
    started.stop()
    postgres_server.drop(name)


@contextmanager
def watched(redis_url: str) -> Iterator[list[str]]:
    """All commands that Redis gets meanwhile, with their values."""
    seen: list[str] = []
    with redis.Redis.from_url(redis_url) as client, client.monitor() as monitor:

        def read() -> None:
            while "the watch ends" not in (command := monitor.next_command()["command"]):
                seen.append(command)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield seen
        finally:
            with redis.Redis.from_url(redis_url) as other:
                other.echo("the watch ends")
            reader.join(10)


def plant(system: System) -> Planted:
    """Everything that people do with what is secret or personal, by both API processes in turn, also where they do it wrong."""
    secret: dict[str, str] = {}
    personal: dict[str, str] = {}
    with quick_people(system.settings) as people:
        admin_token = people.account("Root", "admin", "root@example.test", "correct horse battery").token
        organizer_token = people.account("Orga", "organizer", "orga@example.test", "correct horse battery").token
    secret |= {"admin's token": admin_token, "organizer's token": organizer_token}
    for number, port in enumerate(system.ports):
        tag = uuid4().hex
        mine = {
            "name": f"Wilhelmine {tag}", "e-mail": f"{tag}@example.test", "phone": f"+49 {int(tag[:10], 16)}",
            "customer's name": f"Balthasar {tag}", "customer's e-mail": f"walk-in-{tag}@example.test",
            "searched e-mail": f"sought-{tag}@example.test", "new e-mail": f"new-{tag}@example.test",
            "guest's name": f"Gundula {tag}", "guest's e-mail": f"guest-{tag}@example.test",
        }  # fmt: skip
        passwords = {"password": f"first {tag}", "new password": f"second {tag}", "wrong password": f"wrong {tag}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            tokens, booking_id = _do_all(http, admin_token, organizer_token, mine, passwords)
        with Guest().at(f"http://127.0.0.1:{port}") as http:
            tokens |= _do_all_as_guest(
                http, system.settings, booking_id, {"name": mine["guest's name"], "email": mine["guest's e-mail"]}
            )
            tokens["link"] = _manage(http, organizer_token, mine, system.settings)
        secret |= {f"{what} {number}": value for what, value in (passwords | tokens).items()}
        personal |= {f"{what} {number}": value for what, value in mine.items()}
    return Planted(secret, personal, admin_token, booking_id)


def _do_all(
    http: httpx.Client, admin_token: str, organizer_token: str, mine: dict[str, str], passwords: dict[str, str]
) -> tuple[dict[str, str], str]:
    """Returns tokens, and the id of a booking."""
    nobody, admin, organizer = Person(http), Person(http, token=admin_token), Person(http, token=organizer_token)
    new = {"name": mine["name"], "email": mine["e-mail"], "phone": mine["phone"], "password": passwords["password"]}
    nobody.ok("POST", "/api/signup", new)
    assert nobody.do("POST", "/api/signup", new).status_code == 409
    log_in = {"email": mine["e-mail"], "password": passwords["password"]}
    answer = http.post("/api/login", json=log_in)
    tokens = {"token": answer.json()["access_token"], "CSRF token": answer.cookies["seatledger_csrf"]}
    assert nobody.do("POST", "/api/login", {**log_in, "password": passwords["wrong password"]}).status_code == 401
    # A form that is sent wrongly: as a query, to a wrong address, with a field too many.
    nobody.do("POST", f"/api/login?email={quote(mine['e-mail'])}&password={quote(passwords['password'])}")
    nobody.do("POST", f"/api/{quote(mine['e-mail'])}", log_in)
    nobody.do("POST", "/api/login", {**log_in, passwords["password"]: mine["e-mail"]})

    myself = Person(http, token=tokens["token"])
    event = organizer.ok(
        "POST", "/api/events",
        {"name": EVENT, "starts_at": "2031-05-01T19:00:00Z", "categories": [{"name": "A", "price": "5", "capacity": 9}]},
    )  # fmt: skip
    bookings = f"/api/events/{event['id']}/bookings"
    mine_booked = myself.ok("POST", bookings, tickets(1, "A"), key=f"key {mine['e-mail']}")
    customer = {"name": mine["customer's name"], "email": mine["customer's e-mail"]}
    sold = organizer.ok("POST", bookings, {**tickets(1, "A"), "customer": customer}, key="a sale")
    assert organizer.do("POST", bookings, {**tickets(99, "A"), "customer": customer}).status_code == 409
    organizer.see(bookings)
    myself.see(f"/api/bookings/{mine_booked['id']}")
    organizer.ok("DELETE", f"/api/bookings/{sold['id']}")
    admin.ok("GET", f"/api/users?q={quote(mine['searched e-mail'])}")
    admin.ok("GET", f"/api/users?q={quote(mine['e-mail'])}")
    nobody.do("GET", f"/api/me?access_token={tokens['token']}")
    nobody.do("GET", f"/api/bookings/{tokens['token']}", Referer=f"http://127.0.0.1/?token={tokens['token']}")
    nobody.do("GET", "/api/me", X_Request_Id=mine["e-mail"], Cookie=f"seatledger_session={tokens['token']}")
    change = {"old_password": passwords["password"], "password": passwords["new password"], "email": mine["new e-mail"]}
    assert myself.do("PATCH", "/api/me", {**change, "old_password": passwords["wrong password"]}).status_code == 422
    myself.ok("PATCH", "/api/me", change, key=f"key {mine['new e-mail']}")
    again = nobody.ok("POST", "/api/login", {"email": mine["new e-mail"], "password": passwords["new password"]})
    tokens["second token"] = again["access_token"]
    Person(http, token=again["access_token"]).ok("POST", "/api/logout")
    return tokens, mine_booked["id"]


def _do_all_as_guest(http: httpx.Client, settings: Settings, booking_id: str, contact: dict[str, str]) -> dict[str, str]:
    """Books for the event of that booking, with and without a proof, also wrongly. Returns what is secret."""
    email = contact["email"]
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute(
            "SELECT originator_id FROM ledger_entries WHERE state LIKE %s", (f"%{booking_id}%".encode(),)
        ).fetchone()
    assert row is not None
    path, body = f"/api/events/{row[0]}/bookings", {**tickets(1, "A"), "contact": contact}
    proof = proof_for(http, settings, email)
    wrong = http.post("/api/contacts/confirm", json={"email": email, "code": "no code"})
    assert wrong.status_code == 410
    for sent in (body, {**body, "proof": proof}):
        assert http.post(path, json=sent, headers={"Idempotency-Key": f"key {email} {len(sent)}"}).status_code == 201
    assert http.post(path, json={**body, "proof": f"{proof}x"}).status_code == 403
    assert http.post(path, json={**body, **tickets(99, "A")}).status_code == 409
    assert http.post(f"{path}?email={quote(email)}", json={**body, "more": email}).status_code == 422
    http.post(f"/api/contacts/verify?email={quote(email)}&proof={quote(proof)}")
    return {"guest's secret": http.headers["Guest-Secret"], "proof": proof}


def _manage(http: httpx.Client, organizer_token: str, mine: dict[str, str], settings: Settings) -> str:
    """A customer of the box office uses the link of a booking, also where it does not belong. Returns its token."""
    organizer = Person(http, token=organizer_token)
    customer = {"name": mine["customer's name"], "email": mine["customer's e-mail"]}
    event = organizer.ok("GET", "/api/events", Ledger_Position=organizer.last)["items"][0]
    sold = organizer.ok("POST", f"/api/events/{event['id']}/bookings", {**tickets(2, "A"), "customer": customer})
    urls = ManageUrls(settings.server_url, MailTokens(Keyring.open(settings.keys, "mail")))
    token = urls.make(UUID(sold["id"])).partition("#")[2]
    bearer, nobody = Person(http, token=token), Person(http)
    bearer.last = organizer.last
    bearer.see("/api/manage")
    bearer.ok("POST", "/api/manage/cancel", {"tickets": [sold["tickets"][0]["id"]]}, key=f"key {token}")
    assert bearer.do("POST", "/api/manage/cancel", {"tickets": [sold["tickets"][0]["id"]]}).status_code == 409
    for path in ("/receipt", "/calendar"):
        bearer.insist("GET", f"/api/manage{path}", Ledger_Position=bearer.last)
    for path in (f"/api/manage?token={token}", f"/api/manage/{token}", f"/manage/{token}", f"/api/bookings/{token}"):
        nobody.do("GET", path, Referer=f"http://127.0.0.1/manage?{token}")
    for method, path in (("POST", "/api/manage/resend"), ("DELETE", "/api/manage")):
        bearer.do(method, path)
    assert not bearer.do("GET", "/api/me").is_success
    bearer.do("POST", "/api/login", {"email": mine["customer's e-mail"], "password": token})
    return token


def proofs(admin: Person, booking_id: str) -> str:
    """What leaves the system as evidence: entries, checkpoint, receipt, proofs, as the API answers them."""
    head = str(admin.ok("GET", "/api/projections")["ledger_position"])
    entries = admin.ok("GET", "/api/audit/entries?limit=200")["items"]
    booked = next(entry for entry in entries if booking_id in json.dumps(entry))
    paths = (
        "/api/audit/entries?limit=200", "/api/audit/checkpoint", f"/api/audit/proof?position={booked['position']}",
        f"/api/bookings/{booking_id}/receipt", "/api/projections", "/metrics", "/api/about", "/openapi.json",
    )  # fmt: skip
    said = []
    for path in paths:
        deadline = time.monotonic() + 20
        while not (response := admin.do("GET", path, Ledger_Position=head)).is_success and time.monotonic() < deadline:
            time.sleep(0.2)  # a checkpoint comes some time after the entries
        assert response.is_success, response.text
        said.append(response.text)
    return "\n".join(said)


def rows(database_url: str) -> dict[str, str]:
    """Every table as text; its bytes both as PostgreSQL shows them and decoded."""
    found = {}
    with psycopg.connect(database_url, autocommit=True) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (name,) in names:
            values = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))).fetchall()
            found[name] = "\n".join(_text(value) for row in values for value in row)
    return found


def _text(value: Any) -> str:
    return bytes(value).decode("latin-1") + bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)


def kept(redis_url: str) -> str:
    """The keys of Redis with their values, and the names of its channels."""
    with redis.Redis.from_url(redis_url) as client:
        keys = list(client.scan_iter())
        return "\n".join(str(part) for key in keys for part in (key, client.dump(key))) + str(client.pubsub_channels())


def hits(planted: dict[str, str], text: str) -> list[str]:
    """What is found, also as it stands in a URL, in JSON, in hexadecimal digits, or without the spaces."""
    return [
        what
        for what, value in planted.items()
        if any(
            form in text for form in (value, quote(value), json.dumps(value)[1:-1], value.encode().hex(), value.replace(" ", "+"))
        )
    ]


def test_secrets_and_personal_data_stay_where_they_belong(system: System) -> None:
    with watched(system.settings.redis_url) as commands:
        planted = plant(system)
        with httpx.Client(base_url=f"http://127.0.0.1:{system.ports[0]}", timeout=30) as http:
            evidence = proofs(Person(http, token=planted.admin_token), planted.booking_id)
        stored = kept(system.settings.redis_url)
    database = rows(system.settings.database_url)
    logs = system.logs()
    sources = {f"log {name}": text for name, text in logs.items()}
    sources |= {"Redis' commands": "\n".join(commands), "what Redis keeps": stored, "evidence": evidence}
    sources |= {f"table {name}": text for name, text in database.items() if name not in TABLES_OF_PEOPLE}
    found = {name: hits(planted.all, text) for name, text in sources.items()}
    for name in TABLES_OF_PEOPLE:
        found[f"table {name}"] = hits(planted.secret, database[name])
    size = sum(map(len, sources.values()))
    print(
        f"S13: {len(planted.secret)} secrets and {len(planted.personal)} personal data planted; {len(logs)} files of logs,"
        f" {len(commands)} commands of Redis, {len(database)} tables, {len(evidence)} characters of evidence"
        f" ({size:,} characters in all): {sum(map(len, found.values()))} hits"
    )
    assert {name: what for name, what in found.items() if what} == {}

    # What is looked for would be found: each source has something of what was done.
    assert len(hits(planted.personal, database["accounts"])) >= len(planted.personal) / 2
    assert EVENT in database["ledger_entries"]
    assert EVENT in evidence
    assert len([name for name, text in logs.items() if "/api/events/{event_id}/bookings" in text]) == len(system.ports)
    assert any("PUBLISH" in command for command in commands)
    assert any("log-in-account" in command for command in commands)
