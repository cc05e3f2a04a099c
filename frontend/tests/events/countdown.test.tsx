import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { Countdown } from "@/features/events/checkout/countdown";
import { theme } from "@/app/theme";

const extension = { extend: vi.fn(), isSending: false, message: null, isPossible: true };

function show(left: number): { seen: string | null; heard: string | null } {
  const { unmount } = render(
    <MantineProvider theme={theme} env="test">
      <Countdown left={left} total={900} extension={extension} />
    </MantineProvider>,
  );
  const shown = {
    seen: screen.getByTestId("time-left").textContent,
    heard: screen.getByRole("timer", { hidden: true }).textContent,
  };
  unmount();
  return shown;
}

it("eyes see each second", () => {
  expect([899, 60, 9, 0].map((left) => show(left).seen)).toEqual(["14:59 left", "1:00 left", "0:09 left", "0:00 left"]);
});

it("ears hear a few sentences in all", () => {
  const heard = Array.from({ length: 901 }, (_, passed) => show(900 - passed).heard);
  expect([...new Set(heard)]).toEqual([
    "The seats are held for you for 15 minutes more.",
    "The seats are held for you for 10 minutes more.",
    "The seats are held for you for 5 minutes more.",
    "The seats are held for you for 2 minutes more.",
    "The seats are held for you for a minute more.",
    "The seats are held for you for less than a minute.",
    "The time is over",
  ]);
});
