"""The routes of checkpoints and proofs."""

import base64

import pytest

from ledger.settings import Settings
from projections import merkle
from projections.proof.log_keys import LogKeys
from projections.proof.signed_notes import Note, VerifierKey
from seatledger_verify import verify
from tests.query_api.world import ALICE, ORGANIZER, Api, Sign, World, key_of


def unpack(hashes: list[str]) -> list[bytes]:
    return [base64.b64decode(text) for text in hashes]


async def test_newest_checkpoint_is_returned_as_json_and_as_a_note(world: World, api: Api, sign: Sign, settings: Settings) -> None:
    world.book(world.schedule())
    sign()
    world.book(world.schedule())
    sign()
    response = await api.get("/api/audit/checkpoint")
    shown = response.json()
    checkpoint = LogKeys.open(settings.keys).read(shown["note"])
    assert (shown["origin"], shown["size"], shown["ledger_position"]) == (checkpoint.origin, 4, world.position)
    assert (base64.b64decode(shown["root"]), response.headers["ledger-position"]) == (checkpoint.root, str(world.position))
    Note.parse(shown["note"]).verify(VerifierKey.parse(shown["verifier_key"]))
    text = await api.get("/api/audit/checkpoint", headers={"Accept": "text/plain"})
    assert (text.text, text.headers["content-type"]) == (shown["note"], "text/plain; charset=utf-8")
    assert verify(text.text, [await key_of(api)])[0].startswith(f"{shown['origin']} had 4 entries")


async def test_every_entry_has_an_inclusion_proof(world: World, api: Api, sign: Sign, settings: Settings) -> None:
    event_id = world.schedule(categories=[("General", 5000, 400)])
    for _ in range(6):
        world.book(event_id)
    world.sql("SELECT setval('ledger_entries_notification_id_seq', 1000)")
    for _ in range(300):
        world.book(event_id, by=ORGANIZER)
        if len(world.story) in (100, 255):
            sign()
    sign()
    for recorded in world.story[::23]:
        proof = (await api.get("/api/audit/proof", position=recorded.position)).json()
        checkpoint = LogKeys.open(settings.keys).read(proof["checkpoint"])
        leaf, hashes = base64.b64decode(proof["leaf_hash"]), unpack(proof["hashes"])
        merkle.verify_inclusion(proof["leaf_index"], proof["size"], leaf, hashes, checkpoint.root)
        assert (proof["position"], proof["size"]) == (recorded.position, len(world.story))
        assert world.story[proof["leaf_index"]] == recorded


async def test_earlier_tree_has_a_consistency_proof(world: World, api: Api, sign: Sign) -> None:
    event_id = world.schedule()
    for _ in range(20):
        world.book(event_id, by=ORGANIZER)
    sign()
    for first, second in [(0, 0), (0, 21), (1, 21), (7, 8), (16, 21), (21, 21)]:
        proof = (await api.get("/api/audit/consistency", from_=first, to=second)).json()
        from_root, to_root = unpack([proof["from_root"], proof["to_root"]])
        merkle.verify_consistency(first, second, from_root, to_root, unpack(proof["hashes"]))


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("proof?position=9000", 422, "position-beyond-head"), ("proof?position=0", 422, "malformed"), ("proof", 422, "malformed"),
        ("proof?position=500", 404, "entry-not-found"), ("proof?position=99999999999999999999", 422, "malformed"),
        ("consistency?from=2&to=1", 422, "malformed"), ("consistency?from=1&to=90", 422, "malformed"),
        ("consistency?from=-1&to=1", 422, "malformed"), ("consistency?from=1", 422, "malformed"),
    ],
)  # fmt: skip
async def test_impossible_proof_is_refused(world: World, api: Api, sign: Sign, path: str, status: int, slug: str) -> None:
    event_id = world.schedule()
    world.sql("SELECT setval('ledger_entries_notification_id_seq', 1000)")
    world.book(event_id)
    sign()
    response = await api.get(f"/api/audit/{path}")
    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{slug}")


async def test_entry_that_no_checkpoint_covers_yet_is_503(world: World, hasty: Api, sign: Sign) -> None:
    booking_id = world.book(world.schedule())
    world.project()
    receipt = f"/api/bookings/{booking_id}/receipt"
    for path in ("/api/audit/checkpoint", f"/api/audit/proof?position={world.position}", "/api/audit/consistency?from=1&to=1"):
        response = await hasty.get(path)
        assert (response.status_code, response.json()["type"]) == (503, "/problems/stale-read"), path
        assert response.headers["retry-after"] == "1"
    assert (await hasty.get(receipt, ALICE)).status_code == 503
    sign()
    assert (await hasty.get(receipt, ALICE)).status_code == 200
    late = world.book(world.schedule())
    world.project()
    assert (await hasty.get("/api/audit/checkpoint", headers={"Ledger-Position": str(world.position)})).status_code == 503
    assert (await hasty.get(f"/api/bookings/{late}/receipt", ALICE)).status_code == 503


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE audit_tiles SET hashes = overlay(hashes PLACING '\\x00'::bytea FROM 40)", "DELETE FROM audit_tiles",
        "UPDATE audit_checkpoints SET note = replace(note, '1', '2')",
    ],
)  # fmt: skip
async def test_proof_that_does_not_hold_is_not_returned(world: World, api: Api, sign: Sign, damage: str) -> None:
    booking_id = world.book(world.schedule())
    sign()
    world.sql(damage)
    for path in ("/api/audit/proof?position=1", "/api/audit/consistency?from=1&to=2", f"/api/bookings/{booking_id}/receipt"):
        with pytest.raises((ValueError, LookupError)):  # logged, and answered with 500
            await api.get(path, ALICE)
