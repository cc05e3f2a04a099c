import type { Proof } from "@/shared/api/generated/model";

/** `unchecked`: the browser can't verify it, as without HTTPS or localhost. */
export type Outcome = "valid" | "invalid" | "unchecked";

export interface InclusionCheck {
  /** That the hashes lead from the leaf to the checkpoint's root. */
  inclusion: Outcome;
  /** That the checkpoint is signed by the verifier key. */
  signature: Outcome;
  /** Base64; empty where the checkpoint is no signed note. */
  root: string;
}

/** A parsed C2SP checkpoint. A signature is 4 bytes that identify the key, then the signature itself. */
interface Note {
  body: string;
  size: number;
  root: string;
  signatures: { name: string; bytes: Bytes }[];
}

type Bytes = Uint8Array<ArrayBuffer>;

const ED25519 = 1;
const KEY_HASH_BYTES = 4;
const SIGNATURE = /^\u2014 (\S+) (\S+)$/gm;
/** A name, eight digits that identify the key, and base64 of its type and the key. */
const VERIFIER_KEY = /^([^+]+)\+[\da-f]{8}\+(\S+)$/;

/** Verifies a proof in the browser. The leaf's hash is not verified: a receipt proves what it is of. */
export async function verifyInclusion(proof: Proof, verifierKey: string): Promise<InclusionCheck> {
  const note = parseNote(proof.checkpoint);
  if (note?.size !== proof.size) return { inclusion: "invalid", signature: "invalid", root: "" };
  // Present only over HTTPS or on localhost, whatever its type says.
  const subtle = crypto.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) return { inclusion: "unchecked", signature: "unchecked", root: note.root };
  return {
    inclusion: (await rootOf(subtle, proof)) === note.root ? "valid" : "invalid",
    signature: await checkSignature(subtle, note, verifierKey),
    root: note.root,
  };
}

/** RFC 9162, 2.1.3.2: the root that the hashes lead to, base64; null if the proof does not fit index and size. */
async function rootOf(subtle: SubtleCrypto, { leaf_index, leaf_hash, hashes, size }: Proof): Promise<string | null> {
  if (leaf_index >= size) return null;
  let [index, last] = [leaf_index, size - 1];
  let hash = bytesOf(leaf_hash);
  for (const text of hashes) {
    if (last === 0) return null;
    const sibling = bytesOf(text);
    const isRight = index % 2 === 1 || index === last;
    hash = await parent(subtle, isRight ? sibling : hash, isRight ? hash : sibling);
    // A subtree at the right edge without a sibling moves up unchanged.
    while (isRight && index % 2 === 0 && index !== 0) [index, last] = [half(index), half(last)];
    [index, last] = [half(index), half(last)];
  }
  return last === 0 ? textOf(hash) : null;
}

const half = (value: number) => Math.floor(value / 2);

async function parent(subtle: SubtleCrypto, left: Bytes, right: Bytes): Promise<Bytes> {
  return new Uint8Array(await subtle.digest("SHA-256", new Uint8Array([1, ...left, ...right])));
}

async function checkSignature(subtle: SubtleCrypto, note: Note, verifierKey: string): Promise<Outcome> {
  const [, name, encoded = ""] = VERIFIER_KEY.exec(verifierKey) ?? [];
  const key = bytesOf(encoded);
  const signature = note.signatures.find((candidate) => candidate.name === name);
  if (key[0] !== ED25519 || signature === undefined) return "invalid";
  try {
    const publicKey = await subtle.importKey("raw", key.slice(1), "Ed25519", false, ["verify"]);
    const body = new TextEncoder().encode(note.body);
    const isValid = await subtle.verify("Ed25519", publicKey, signature.bytes.slice(KEY_HASH_BYTES), body);
    return isValid ? "valid" : "invalid";
  } catch (error) {
    return error instanceof DOMException && error.name === "NotSupportedError" ? "unchecked" : "invalid";
  }
}

function parseNote(text: string): Note | null {
  const [body = "", signed = ""] = text.split(/(?<=\n)\n/);
  const [, size = "", root = ""] = body.split("\n");
  if (!/^\d+$/.test(size) || root === "") return null;
  const signatures = [...signed.matchAll(SIGNATURE)].map(([, name = "", encoded = ""]) => ({
    name,
    bytes: bytesOf(encoded),
  }));
  return { body, size: Number(size), root, signatures };
}

/** Decodes base64; empty for invalid input. */
function bytesOf(base64: string): Bytes {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

const textOf = (bytes: Bytes) => btoa(String.fromCharCode(...bytes));
