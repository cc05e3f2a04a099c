import { render } from "@testing-library/react";
import { QRCodeSVG } from "qrcode.react";
import { expect, it } from "vitest";

import { decodeQrCode } from "@/features/organise/check-in/decode-qr-code";

const CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODES = 200;
const [WIDTH, HEIGHT, SIZE] = [640, 480, 300];

/** The same ones each time: a linear congruential generator. */
function madeUp(count: number): string[] {
  let state = 1;
  const character = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return CHARACTERS[(state >> 20) & 31];
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 31 }, character)
      .join("")
      .replace(/.{4}(?=.)/g, "$&-"),
  );
}

/** A ticket's QR code (ticket.tsx) in the middle of a white picture. */
function film(code: string): ImageData {
  const { container, unmount } = render(<QRCodeSVG value={code} marginSize={1} level="M" />);
  const svg = container.querySelector("svg");
  const modules = Number(svg?.getAttribute("viewBox")?.split(" ")[2]);
  const drawn = [...(svg?.querySelectorAll("path") ?? [])].at(-1)?.getAttribute("d") ?? "";
  unmount();
  const isDark = new Set<number>();
  for (const [, x, y, long] of drawn.matchAll(/M(\d+)[ ,](\d+)\s*h(\d+)v1H\d+z/g)) {
    for (let step = 0; step < Number(long); step++) isDark.add(Number(y) * modules + Number(x) + step);
  }
  const data = new Uint8ClampedArray(4 * WIDTH * HEIGHT).fill(255);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const module = Math.floor((y * modules) / SIZE) * modules + Math.floor((x * modules) / SIZE);
      const pixel = (y + (HEIGHT - SIZE) / 2) * WIDTH + x + (WIDTH - SIZE) / 2;
      if (isDark.has(module)) data.fill(0, 4 * pixel, 4 * pixel + 3);
    }
  }
  return { data, width: WIDTH, height: HEIGHT, colorSpace: "srgb" };
}

it("a ticket's code is read from a single picture", () => {
  const unread = madeUp(CODES).filter((code) => decodeQrCode(film(code)) !== code);
  expect(unread).toEqual([]);
});

it("a picture without a code has no result", () => {
  const blank = {
    data: new Uint8ClampedArray(4 * WIDTH * HEIGHT).fill(255),
    width: WIDTH,
    height: HEIGHT,
  } as ImageData;
  expect(decodeQrCode(blank)).toBeUndefined();
});
