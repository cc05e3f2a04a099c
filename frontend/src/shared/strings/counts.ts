import { count } from "@/shared/formatting/counts";

export const tickets = (quantity: number) => (quantity === 1 ? "1 ticket" : `${count(quantity)} tickets`);

export const seats = (quantity: number) => (quantity === 1 ? "1 seat" : `${count(quantity)} seats`);
