import type { Entry } from "@/shared/api/generated/model";

/** The index of the last entry at `position` or before it; -1 where the first is later. */
export function findIndexAt(entries: readonly Entry[], position: number): number {
  return entries.findLastIndex((entry) => entry.position <= position);
}

/** The indices of at most `most` entries around `index`. */
export function selectNeighbours(index: number, length: number, most: number): number[] {
  const first = Math.max(0, Math.min(index - Math.floor(most / 2), length - most));
  return Array.from({ length: Math.min(most, length) }, (_, offset) => first + offset);
}
