import { createHash, webcrypto } from "node:crypto";

import { beforeEach, describe, expect, it, vi } from "vitest";

import { verifyInclusion } from "@/features/ledger/proofs/verify-inclusion";
import type { Proof } from "@/shared/api/generated/model";

/** A checkpoint that a Seatledger signed, and the proof of its fifth entry. */
const KEY = "seatledger-818e327d/1+ab904daf+AVMjfn0KdmKfUfdvfzYpS2d+BMlNIob2O2InxeC6EgVr";
const ROOT = "LU7uc6miVJ6mhOzQC9JWfQasVbLnWeu53Ygn5MeqqKE=";
const SIGNED =
  `seatledger-818e327d/1\n360\n${ROOT}\n\n— seatledger-818e327d/1 ` +
  "q5BNr9UfbQNWe/3/6dzY6Jtc+uCsGp4uOpu9F8HyjSXkNmzLXfW25EiZ5jVxfoSChn2Hn3zxOTPRAl7cuAX5mMStuAE=\n";
const PROOF: Proof = {
  position: 5,
  leaf_index: 4,
  leaf_hash: "+GlAj9aaLNW0NlY/vGhkdf/TJoMwpMoBBL9bZEkE68g=",
  hashes: [
    "1b1Ac02dyzjSX00gXSeTrhFIvWZe2UkQZV3qQfOAe6Y=",
    "mm7JBNa7HslUKqYrRlsOzgb0Gh46mv1EwzkABbejPUI=",
    "Ll+spt+VBzUpr1v9SGVc0vppXrQh/GbNqdru2j8GUsE=",
    "/U0cx9vGIpWuZdf20T4Tr/NQv1/lDHz8tweohqKlTpM=",
    "Cexba3UVRpZl4SwvTvGwkLKkrKoS9mEXbyMy0kIr5nQ=",
    "AhN2WcV0M1mHmyTxBaKgzk8bccTsew8XAkHNXZ2WVVo=",
    "DTzEwIMJEL1dou4vn0XEg1PioXAL4Nbvs/qxSR3j280=",
    "r42t4k1Dci8e89g3GRyUPT2HcyUfeOuwlUxZOVgC/lQ=",
    "nGoP83Y/2s0vTU4TF92n66MLaEQB5m8IWBAFzKOdabY=",
  ],
  size: 360,
  checkpoint: SIGNED,
};

beforeEach(() => void vi.stubGlobal("crypto", webcrypto));

const hash = (...parts: Buffer[]) => createHash("sha256").update(Buffer.concat(parts)).digest();
const leaf = (index: number) => hash(Buffer.from([0, index]));

/** RFC 9162, 2.1.1 and 2.1.3.1, as they are written there. */
function root(leaves: Buffer[]): Buffer {
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  const split = splitOf(leaves.length);
  return hash(Buffer.from([1]), root(leaves.slice(0, split)), root(leaves.slice(split)));
}

function path(index: number, leaves: Buffer[]): Buffer[] {
  if (leaves.length === 1) return [];
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split ? [...path(index, left), root(right)] : [...path(index - split, right), root(left)];
}

const splitOf = (size: number) => 2 ** Math.ceil(Math.log2(size) - 1);

function proofOf(index: number, size: number): Proof {
  const leaves = Array.from({ length: size }, (_, each) => leaf(each));
  return {
    position: index + 1,
    leaf_index: index,
    leaf_hash: leaf(index).toString("base64"),
    hashes: path(index, leaves).map((node) => node.toString("base64")),
    size,
    checkpoint: `log\n${size}\n${root(leaves).toString("base64")}\n\n`,
  };
}

describe("an inclusion proof", () => {
  it("of a real log is valid, and its signature too", async () => {
    expect(await verifyInclusion(PROOF, KEY)).toEqual({ inclusion: "valid", signature: "valid", root: ROOT });
  });

  it("is valid for every entry of trees of every shape, and invalid at any other index", async () => {
    for (let size = 1; size <= 20; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const proof = proofOf(index, size);
        expect((await verifyInclusion(proof, KEY)).inclusion, `${index} of ${size}`).toBe("valid");
        const elsewhere = { ...proof, leaf_index: (index + 1) % (size + 1) };
        expect((await verifyInclusion(elsewhere, KEY)).inclusion, `${index} of ${size}, elsewhere`).toBe("invalid");
      }
    }
  });

  it.each<[string, Partial<Proof>]>([
    ["another entry", { leaf_hash: PROOF.hashes[0] ?? "" }],
    ["another hash on the way", { hashes: [ROOT, ...PROOF.hashes.slice(1)] }],
    ["a hash too few", { hashes: PROOF.hashes.slice(1) }],
    ["a hash too many", { hashes: [...PROOF.hashes, ROOT] }],
    ["what is no hash", { hashes: ["%%%", ...PROOF.hashes.slice(1)] }],
    ["another size than was signed", { size: 361 }],
    ["no signed note", { checkpoint: "" }],
  ])("is invalid with %s", async (_, changed) => {
    expect((await verifyInclusion({ ...PROOF, ...changed }, KEY)).inclusion).toBe("invalid");
  });
});

describe("a checkpoint's signature", () => {
  it.each([
    ["another key", PROOF, KEY.replace("AVMjfn0K", "AVMjfn0L")],
    ["no key", PROOF, ""],
    ["a key of another name", PROOF, KEY.replace("/1", "/2")],
    ["another root", { ...PROOF, checkpoint: SIGNED.replace(ROOT, PROOF.leaf_hash) }, KEY],
    ["no signature", { ...PROOF, checkpoint: SIGNED.slice(0, SIGNED.indexOf("—")) }, KEY],
  ])("is invalid with %s", async (_, proof, key) => {
    expect((await verifyInclusion(proof, key)).signature).toBe("invalid");
  });

  it("is not checked if the browser has no cryptography", async () => {
    vi.stubGlobal("crypto", {});
    expect(await verifyInclusion(PROOF, KEY)).toEqual({ inclusion: "unchecked", signature: "unchecked", root: ROOT });
  });
});
