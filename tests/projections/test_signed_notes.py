"""Signed notes agree with published examples, and any changed byte is refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.proof.signed_notes import Checkpoint, Note, NoteError, Signer, VerifierKey, read_checkpoint

#: The examples of golang.org/x/mod/sumdb/note. The seed is that of their signer key, without its first byte.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETERS_SIGNATURE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
ENOCHS_SIGNATURE = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
SIGNED = f"{TEXT}\n{PETERS_SIGNATURE}"
#: The examples of C2SP: signed-note and tlog-checkpoint. Their keys are not published.
POEM = """Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
"""
SOFA = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""

OURS = Signer("seatledger-test/1", bytes(range(32)))
CHECKPOINT = Checkpoint(OURS.key.name, 4711, bytes(32))


def verify(note: str, key: VerifierKey) -> Note:
    parsed = Note.parse(note)
    parsed.verify(key)
    return parsed


def ours(name: str, key_id: bytes) -> VerifierKey | None:
    return OURS.key if (name, key_id) == (OURS.key.name, OURS.key.id) else None


def test_published_signer_makes_the_published_signature() -> None:
    signer = Signer("PeterNeumann", PETERS_SEED)
    assert str(signer.key) == PETER
    assert signer.sign(TEXT) == SIGNED


@pytest.mark.parametrize("key", [PETER, ENOCH])
def test_published_signatures_are_valid_beside_others(key: str) -> None:
    parsed = verify(SIGNED + ENOCHS_SIGNATURE, VerifierKey.parse(key))
    assert parsed.text == TEXT
    assert [signature.name for signature in parsed.signatures] == ["PeterNeumann", "EnochRoot"]


def test_notes_of_the_specifications_are_parsed() -> None:
    poem = Note.parse(POEM)
    assert poem.text.endswith("sole:\n\ned è subito sera.\n")
    assert poem.signatures[0].key_id.hex() == "367ba04b"
    sofa = Checkpoint.parse(Note.parse(SOFA).text)
    assert (sofa.origin, sofa.size) == ("example.com/behind-the-sofa", 20852163)
    assert sofa.text == SOFA.partition("\n\n")[0] + "\n"


@pytest.mark.parametrize(
    "bad",
    [
        TEXT, TEXT + "\n", SIGNED[:-1], "\x01" + SIGNED, SIGNED.replace("\n", "\r\n"), SIGNED + "More.\n", SIGNED + "\n",
        f"{TEXT}\n— Bad Name {PETERS_SIGNATURE.split()[2]}\n", f"\n\n{PETERS_SIGNATURE}", "", "\n\n", "\n",
        f"{TEXT}\n{PETERS_SIGNATURE.replace('=', '==')}", f"{TEXT}\n{PETERS_SIGNATURE.replace('nAM=', 'nAN=')}",
        f"{TEXT}\n{PETERS_SIGNATURE[:60]}ABCD{PETERS_SIGNATURE[60:]}", f"{TEXT}\n" + 17 * PETERS_SIGNATURE,
        f"{TEXT}\n{PETERS_SIGNATURE.replace('x08g', 'xxxx')}", f"{TEXT}\n{ENOCHS_SIGNATURE}", SIGNED.replace("— ", "- "),
    ],
)  # fmt: skip
def test_invalid_note_is_refused_in_one_sentence(bad: str) -> None:
    with pytest.raises(NoteError, match=r"^[A-Z].*\.$"):
        verify(bad, VerifierKey.parse(PETER))


def test_changed_or_incomplete_verifier_key_is_refused() -> None:
    parts = [PETER[start:end] for start in range(len(PETER)) for end in range(start, len(PETER) + 1)]
    changed = [PETER[:at] + chr(ord(PETER[at]) + 1) + PETER[at + 1 :] for at in range(len(PETER))]
    longer = "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=="
    other_kind = "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    for bad in [*parts, *changed, longer, other_kind, PETER + "\n", PETER.upper()]:
        if bad != PETER:
            with pytest.raises(NoteError):
                VerifierKey.parse(bad)


def test_checkpoint_with_any_changed_byte_is_refused() -> None:
    note = OURS.sign(CHECKPOINT.text).encode()
    assert read_checkpoint(note.decode(), ours) == CHECKPOINT
    for at in range(len(note)):
        for bit in range(8):
            changed = bytearray(note)
            changed[at] ^= 1 << bit
            with pytest.raises((NoteError, UnicodeDecodeError)):
                read_checkpoint(changed.decode(), ours)
        with pytest.raises((NoteError, UnicodeDecodeError)):
            read_checkpoint(note[:at].decode(), ours)


@pytest.mark.parametrize(
    "text",
    [
        "o\n1\n", "o\n1\n\n", "\n1\nAAAA\n", "o\n01\n" + CHECKPOINT.text.split("\n")[2] + "\n", "o\n-1\nAAAA\n", "o\n٣\nAAAA\n",
        "o\n1\nAAAA\n", "o\n1\nA\n", CHECKPOINT.text + "more\n", CHECKPOINT.text.replace("4711", "9" * 19),
    ],
)  # fmt: skip
def test_invalid_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


def test_checkpoint_must_be_signed_by_its_origin() -> None:
    with pytest.raises(NoteError, match="No key that is known has signed it as another"):
        read_checkpoint(OURS.sign(CHECKPOINT._replace(origin="another").text), ours)
    with pytest.raises(NoteError, match="at most"):
        read_checkpoint("x" * 100_000, ours)


@given(st.text())
def test_any_text_is_parsed_or_refused_in_one_sentence(text: str) -> None:
    for read in (Note.parse, Checkpoint.parse, VerifierKey.parse):
        with pytest.raises(NoteError, match=r"\A[^\n]+\Z"):
            read(text)


@pytest.mark.parametrize("text", ["no end", "a\ttab\n"])
def test_text_that_makes_an_invalid_note_is_not_signed(text: str) -> None:
    with pytest.raises(ValueError, match="ends in a line break"):
        OURS.sign(text)
