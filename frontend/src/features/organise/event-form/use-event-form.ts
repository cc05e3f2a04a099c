import { useForm, type UseFormReturnType } from "@mantine/form";
import { useRef } from "react";

import { isKind, type ApiError } from "@/shared/api/problem";
import { appText } from "@/shared/strings/app";

import type { EventValues } from "./event-values";
import { eventFormText } from "./strings";
import { validateEvent, type ValidationContext, type FieldErrors } from "./validate-event";

const text = eventFormText.problems;

export type EventForm = UseFormReturnType<EventValues>;

/**
 * The form of an event. Errors of a field are shown once it was touched, and an error from the API until the field
 * is changed. `refuse` shows an API error at its fields, and returns the message for the whole form.
 */
export function useEventForm(initialValues: EventValues, context: () => ValidationContext) {
  const refused = useRef<Record<string, { message: string; value: string }>>({});
  const find = (values: EventValues): FieldErrors => {
    const still = Object.entries(refused.current).filter(([path, { value }]) => valueAt(values, path) === value);
    return {
      ...Object.fromEntries(still.map(([path, { message }]) => [path, message])),
      ...validateEvent(values, context()),
    };
  };
  const form: EventForm = useForm<EventValues>({
    initialValues,
    validate: (values) => validateEvent(values, context()),
    onValuesChange: (values) => {
      const shown = Object.entries(find(values)).filter(([path]) => path in form.errors || form.isTouched(path));
      form.setErrors(Object.fromEntries(shown));
    },
  });
  const refuse = (error: ApiError): string => {
    const values = form.getValues();
    const found = toFieldErrors(error, values);
    refused.current = Object.fromEntries(
      Object.entries(found).map(([path, message]) => [path, { message, value: valueAt(values, path) }]),
    );
    form.setErrors(found);
    focusFirstError(form, found);
    return Object.keys(found).length > 0 ? text.malformed : sentence(error);
  };
  return { form, refuse };
}

/** Focuses the first field with an error. */
export function focusFirstError(form: EventForm, errors: Record<string, unknown>): void {
  const nodes = Object.keys(errors).map((path) => form.getInputNode(path));
  nodes.find((node) => node !== null)?.focus();
}

/** The API's message for each field, by its path. */
function toFieldErrors(error: ApiError, values: EventValues): FieldErrors {
  const indexOf = (list: readonly { name: string }[], wanted: unknown) =>
    list.findIndex(({ name }) => name.trim() === wanted);
  const category = indexOf(values.categories, error.problem.category);
  if (isKind(error, "capacity-below-taken") && category >= 0)
    return { [`categories.${category}.capacity`]: error.message };
  const pool = indexOf(values.pools, error.problem.pool);
  if (isKind(error, "pool-below-taken") && pool >= 0) return { [`pools.${pool}.capacity`]: error.message };
  return error.fieldErrors;
}

function sentence(error: ApiError): string {
  if (isKind(error, "category-in-use")) return `${error.message} ${text.inUse}`;
  if (isKind(error, "event-not-bookable", "already-cancelled")) return text.closed;
  if (isKind(error, "holds-off")) return text.noPools;
  if (isKind(error, "not-signed-in")) return appText.signedOut.text;
  return isKind(error, "unreachable", "outcome-unknown") ? text.unknown : text.other;
}

function valueAt(values: EventValues, path: string): string {
  const value = path
    .split(".")
    .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], values);
  return JSON.stringify(value);
}
