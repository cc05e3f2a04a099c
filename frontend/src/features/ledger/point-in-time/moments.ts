import type { Entry } from "@/shared/api/generated/model";

/** A position or a time as it was typed, for the API; null for neither. A time without an offset is the reader's own. */
export function parseMoment(typed: string): number | string | null {
  const text = typed.trim();
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const looksRight = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text);
  const milliseconds = looksRight ? Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(" ", "T")) : NaN;
  return Number.isNaN(milliseconds) ? null : new Date(milliseconds).toISOString();
}

/** The index of the last entry at `position` or before it; -1 where the first is later. */
export function indexAt(entries: readonly Entry[], position: number): number {
  return entries.findLastIndex((entry) => entry.position <= position);
}

/** Indices of at most `most` entries with `index` as near the middle as can be. */
export function around(index: number, length: number, most: number): number[] {
  const first = Math.max(0, Math.min(index - Math.floor(most / 2), length - most));
  return Array.from({ length: Math.min(most, length) }, (_, place) => first + place);
}
