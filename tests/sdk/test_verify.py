"""seatledger-verify, run by itself: accepts valid files, and refuses any changed file with one sentence."""

import base64
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from string import ascii_letters, digits
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from iso4217 import Currency

import query_api.responses.receipt
import seatledger_verify
from event_sdk import AuditApi
from event_sdk_extras import Client
from ledger.entries import RecordedEntry
from ledger.money import exponent
from projections import merkle
from seatledger_verify import Key, VerificationError, verify_receipt
from tests.ledger import scenario as s
from tests.running_system import PASSWORD, Stack, tickets
from tests.sdk.receipts import KEY, OTHER, SIGNER, Log, of_a_booking, told

PROGRAM = Path(seatledger_verify.__file__)
KEYS = [Key.parse(KEY)]
LOG = Log(told())
OF_A_BOOKING = of_a_booking(LOG.entries)
RECEIPT = LOG.receipt(*OF_A_BOOKING)

#: Nothing but the one file and `cryptography`: no other package, none of ours, no network.
ALONE = """
import runpy, sys
sys.modules.update(dict.fromkeys(("socket", "_socket", "ssl", "event_sdk", "ledger")))
sys.path.append(sys.argv[1])
sys.argv[:2] = []
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the package `cryptography` and its requirements."""
    directory = tmp_path_factory.mktemp("alone")
    for name in ("cryptography", "cffi", "_cffi_backend"):
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (directory / source.name).symlink_to(source)
    return directory


def run(alone: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-S", "-c", ALONE, str(alone), str(PROGRAM), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def refusal(content: bytes) -> str:
    """The message with which the file is refused."""
    with pytest.raises(VerificationError, match=r"\A[A-Z][^\n]*\.\Z") as error:
        verify_receipt(seatledger_verify.text_of(content), KEYS)
    return str(error.value)


def test_receipt_is_verified_standalone_and_offline(alone: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    (tmp_path / "receipt.txt").write_text(RECEIPT)
    for key in (KEY, str(tmp_path / "key")):
        done = run(alone, "--key", key, str(tmp_path / "receipt.txt"))
        assert (done.returncode, done.stderr) == (0, "")
        assert "receipt.txt: proven.\n  Booking" in done.stdout
        assert "Each of these entries is in the log" in done.stdout


def test_receipt_with_any_changed_byte_is_refused() -> None:
    """Each byte is changed in two ways, and the file is truncated after each byte."""
    raw = RECEIPT.encode()
    assert len(OF_A_BOOKING) >= 3
    for at in range(len(raw)):
        for mask in (0x01, 0x20):  # the second changes the case of a letter
            changed = bytearray(raw)
            changed[at] ^= mask
            refusal(bytes(changed))
        refusal(raw[:at])
        refusal(raw[:at] + raw[at + 1 :])
    print(f"{len(raw)} bytes: each flipped twice, taken out, and the file cut off there: all refused")


@pytest.mark.parametrize("add", [b"\n", b" ", b"x", b"\r\n", b"\0", RECEIPT.encode()])
def test_receipt_with_added_content_is_refused(add: bytes) -> None:
    refusal(RECEIPT.encode() + add)
    refusal(add + RECEIPT.encode())


def test_non_canonical_encodings_are_refused() -> None:
    refusal(RECEIPT.replace("\n", "\r\n").encode())
    refusal(RECEIPT.encode("utf-16"))
    text, _, signature = RECEIPT.rpartition("\n\n")
    refusal(f"{text}\n\n{signature}{signature}".encode())
    refusal(f"{text}\n\n{signature.replace('=', '')}".encode())
    assert signature.endswith("=\n"), "base64 leaves bits over"
    for other in set(ascii_letters + digits + "+/") - {signature[-3]}:
        refusal(f"{text}\n\n{signature[:-3]}{other}=\n".encode())


def test_receipt_signed_by_another_key_is_refused() -> None:
    foreign = LOG.receipt(*OF_A_BOOKING, signer=OTHER)
    assert refusal(foreign.encode()).startswith("The receipt is signed by seatledger-test/1+")
    assert refusal(SIGNER.sign(foreign.rpartition("\n\n")[0] + "\n").encode()).startswith(
        "The checkpoint in the receipt is signed by"
    )


# --- wrong content with a valid signature


def signed(text: str) -> bytes:
    return SIGNER.sign(text).encode()


TEXT = RECEIPT.rpartition("\n\n")[0] + "\n"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("Status     confirmed", "Status     cancelled", "The receipt's text does not match its entries."),
        ("Seats      ", "Seats      9", "The receipt's text does not match its entries."),
        ("\nThis file proves", "\nNothing proves", "The receipt's text does not match its entries."),
        ('"version": 1,', '"version": 2,', "Entry 1 of the receipt is not in the signed log"),
        ('"leaf": ', '"leaf": 99999', "Entry 1 of the receipt has the index 99999"),
        ('"entries": [', '"others": [', "The proof lacks its `entries`."),
        ("--- proof ---\n{", "--- proof ---\n", "The proof in the receipt is not JSON."),
        ("Seatledger receipt", "Another receipt", "The file is signed, but not a receipt."),
        ('"stream": "', '"stream": "x', "Entry 1 of the receipt has no valid event id."),
        ('"checkpoint": "seat', '"checkpoint": "Seat', "The signature of the checkpoint in the receipt does not match its text"),
    ],
)
def test_receipt_text_that_differs_from_its_entries_is_refused(old: str, new: str, sentence: str) -> None:
    assert old in TEXT
    assert refusal(signed(TEXT.replace(old, new, 1))).startswith(sentence)


def held_booking(*amounts: int) -> str:
    """The receipt of a booking that has confirmed a hold of two General and one VIP seats."""
    lines = (s.general(2), s.vip(1))
    booked = msgspec.structs.replace(s.confirmed(s.ALICE, *lines), amounts=amounts)
    entries = (s.scheduled(hold_minutes=30), s.held(s.ALICE, *lines), s.price_changed(1, 9_000), booked)
    log = Log([RecordedEntry(s.EVENT, version, entry) for version, entry in enumerate(entries, 1)])
    return log.receipt(0, 3)


@pytest.mark.parametrize(
    ("amounts", "of_lines", "total"),
    [((), ("100.00", "120.00"), "220.00"), ((4_501, 4_500, 10_000), ("90.01", "100.00"), "190.01")],
)
def test_receipt_of_a_hold_has_its_id_and_the_amounts_of_its_tickets(
    amounts: tuple[int, ...], of_lines: tuple[str, str], total: str
) -> None:
    lines = verify_receipt(held_booking(*amounts), KEYS)
    general, vip = of_lines
    assert lines[0].endswith(str(s.HOLD))
    assert f"Seats      2 x General at 50.00, {general} EUR" in lines
    assert f"Seats      1 x VIP at 120.00, {vip} EUR" in lines
    assert f"Total      {total} EUR" in lines


@pytest.mark.parametrize("amounts", [(1, 2), (1, 2, 3, 4)])
def test_receipt_without_an_amount_for_each_ticket_is_refused(amounts: tuple[int, ...]) -> None:
    assert "an amount for each ticket" in refusal(held_booking(*amounts).encode())


@pytest.mark.parametrize(
    ("omitted", "message"), [(0, "form a booking"), (1, "form a booking|match its entries"), (-1, "match its entries")]
)
def test_receipt_with_a_missing_entry_is_refused(omitted: int, message: str) -> None:
    words, mark, proof = TEXT.partition("--- proof ---\n")
    parsed = json.loads(proof)
    del parsed["entries"][omitted]
    with pytest.raises(VerificationError, match=message):
        verify_receipt(signed(words + mark + json.dumps(parsed) + "\n").decode(), KEYS)


def test_receipt_with_another_bookings_entry_is_refused() -> None:
    strange = next(index for index, entry in enumerate(LOG.entries) if entry.stream != LOG.entries[OF_A_BOOKING[0]].stream)
    proof = query_api.responses.receipt._entry_json(LOG.entries[strange].stream, LOG.proven(strange))
    words, mark, old = TEXT.partition("--- proof ---\n")
    parsed = json.loads(old)
    parsed["entries"].append(proof)
    assert "does not belong to this booking" in refusal(signed(words + mark + json.dumps(parsed) + "\n"))


@given(st.binary(max_size=300))
@example(b"\xff\xfe")
@example(b"")
@example(RECEIPT.encode()[:-1])
def test_malformed_files_are_refused_in_one_sentence(content: bytes) -> None:
    for data in (content, b"Seatledger receipt\n\n" + content):
        with pytest.raises(VerificationError, match=r"\A[^\n]+\.\Z"):
            seatledger_verify.verify(seatledger_verify.text_of(data), KEYS)


@pytest.mark.parametrize(
    "proof",
    [
        "{}", "[]", "null", '{"checkpoint": 5}', "[" * 100_000, '{"a": ' + "9" * 5_000 + "}",
        '{"checkpoint": "\\ud800\\n\\n— a b\\n", "entries": []}',
    ],
)  # fmt: skip
def test_signed_malformed_proof_is_refused_in_one_sentence(proof: str) -> None:
    refusal(signed(f"Seatledger receipt\n\nwords\n--- proof ---\n{proof}\n"))


# --- the command line


def test_unusable_input_prints_one_line_and_exits_with_1(alone: Path, tmp_path: Path) -> None:
    files = {
        "cut": RECEIPT.encode()[:1000], "binary": bytes(range(256)) * 10, "empty": b"", "huge": b"x" * (16 * 1024 * 1024 + 1),
        "changed": RECEIPT.replace("Total", "total").encode(),
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for name in (*files, "missing", "."):
        done = run(alone, "--key", KEY, str(tmp_path / name))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"{tmp_path / name}: not proven. ")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("key", ["", "x", "a+b+c", KEY[:-1], KEY.upper(), KEY.replace("/1", "/2"), "/nowhere"])
def test_malformed_key_is_refused(key: str, alone: Path) -> None:
    done = run(alone, "--key", key, "/dev/null")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("The key: ")


def test_output_works_in_any_terminal_encoding(alone: Path, tmp_path: Path) -> None:
    (tmp_path / "receipt.txt").write_text(RECEIPT)
    assert run(alone, "--key", KEY, str(tmp_path / "receipt.txt"), LC_ALL="C", PYTHONIOENCODING="ascii").returncode == 0
    assert "--consistency PROOF" in run(alone, "--help").stdout


def test_checkpoints_and_consistency_are_verified(alone: Path, tmp_path: Path) -> None:
    size = len(LOG.entries)
    for name, count in (("older", 77), ("newer", size)):
        (tmp_path / name).write_text(LOG.checkpoint(count)[1])
    hashes = [base64.b64encode(digest).decode() for digest in merkle.consistency_proof(77, size, LOG.tile)]
    (tmp_path / "proof").write_text(json.dumps({"from_size": 77, "to_size": size, "hashes": hashes}))
    (tmp_path / "wrong").write_text(json.dumps({"from_size": 77, "to_size": size, "hashes": hashes[::-1]}))
    proof, wrong, older, newer = (str(tmp_path / name) for name in ("proof", "wrong", "older", "newer"))
    assert "had 77 entries" in run(alone, "--key", KEY, older).stdout
    assert run(alone, "--key", KEY, "--consistency", proof, older, newer).returncode == 0
    for bad in ((wrong, older, newer), (proof, newer, older), (proof, older, older), (older, older, newer), (proof, older)):
        done = run(alone, "--key", KEY, "--consistency", *bad)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


def test_currency_decimals_and_receipt_text_match_the_product() -> None:
    wrong = {currency.code for currency in Currency if seatledger_verify.DECIMALS.get(currency.code, 2) != exponent(currency.code)}
    assert wrong == {currency.code for currency in Currency if currency.exponent is None}
    assert seatledger_verify.ABOUT == query_api.responses.receipt.ABOUT


def test_receipt_of_the_running_system_is_verified(stack: Stack, alone: Path, tmp_path: Path) -> None:
    organizer, alice = stack.person("organizer"), stack.person()
    event = stack.event(organizer, name="Soirée — «été»")
    booking = alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    answer = alice.do("GET", f"/api/bookings/{booking['id']}/receipt", Ledger_Position=alice.last)
    assert answer.status_code == 200, answer.text
    (tmp_path / "receipt.txt").write_bytes(answer.content)
    key = stack.http.get("/api/audit/checkpoint").json()["verifier_key"]
    done = run(alone, "--key", key, str(tmp_path / "receipt.txt"))
    assert done.returncode == 0, done.stderr
    assert f"Booking    {booking['number']}, {booking['id']}" in done.stdout
    (tmp_path / "receipt.txt").write_bytes(answer.content.replace(b"2 x General", b"3 x General"))
    assert run(alone, "--key", key, str(tmp_path / "receipt.txt")).returncode == 1


def test_sdk_fetches_receipts_and_proofs(stack: Stack) -> None:
    organizer, alice = stack.person("organizer"), stack.person()
    booking = alice.ok("POST", f"/api/events/{stack.event(organizer)['id']}/bookings", tickets(1))
    client = Client(stack.url)
    client.log_in(alice.email, PASSWORD)
    api = AuditApi(client)
    receipt = api.get_receipt(UUID(booking["id"]), ledger_position=int(alice.last))
    checkpoint = api.get_checkpoint()
    keys = [Key.parse(checkpoint.verifier_key)]
    assert f"Booking    {booking['number']}, {booking['id']}" in verify_receipt(receipt, keys)
    assert seatledger_verify.verify(checkpoint.note, keys)
    proof = api.get_proof(booking["number"])
    assert (api.get_consistency(1, proof.size).to_size, proof.position) == (proof.size, booking["number"])
