import { formatCount } from "@/shared/formatting/counts";

export const tickets = (quantity: number) => (quantity === 1 ? "1 ticket" : `${formatCount(quantity)} tickets`);

export const seats = (quantity: number) => (quantity === 1 ? "1 seat" : `${formatCount(quantity)} seats`);
