import { useState } from "react";

import { useConfirmContact, useVerifyContact } from "@/shared/api/generated/bookings/bookings";
import type { ContactProof, Event } from "@/shared/api/generated/model";
import { ApiError, isKind } from "@/shared/api/problem";
import { isEmail } from "@/shared/forms/is-email";

import { eventsText } from "./strings";
import type { BookingRefusal } from "./booking-refusal";
import type { Guest } from "./use-booking";

type Field = "name" | "email" | "code";
export type GuestErrors = Partial<Record<Field, string | undefined>>;

const text = eventsText.guest;
/** A proof that ends sooner is not used any more. */
const SPARE_MILLISECONDS = 30_000;

/**
 * Somebody without an account: name, e-mail address, and where the address must be proven, the code that was mailed. `book` books as
 * this guest, and is told who else says why that was refused. `known`: what was typed in before.
 */
export function useGuest(
  event: Event,
  book: (guest: Guest, tell: (refusal: BookingRefusal) => boolean) => void,
  known: { name: string; email: string } = { name: "", email: "" },
) {
  const [values, setValues] = useState({ ...known, code: "" });
  const [errors, setErrors] = useState<GuestErrors>({});
  const [problem, setProblem] = useState<string | null>(null);
  /** The address to which a code was sent. */
  const [sentTo, setSentTo] = useState<string | null>(null);
  const [proven, setProven] = useState<{ email: string; proof: ContactProof } | null>(null);
  const [mustProve, setMustProve] = useState(event.guest_checkout === "proven");
  const verify = useVerifyContact();
  const confirm = useConfirmContact();

  const contact = { name: values.name.trim(), email: values.email.trim() };
  const proof = proven?.email === contact.email && isFresh(proven.proof) ? proven.proof.proof : null;
  const guest: Guest = { contact, proof };

  const set = (field: Field, value: string) => {
    setValues((before) => ({ ...before, [field]: value }));
    setErrors((before) => ({ ...before, [field]: undefined }));
    setProblem(null);
    if (field === "email") setSentTo(null);
  };
  const fail = (error: unknown) => {
    if (isKind(error, "malformed", "wrong-mailed-code")) setErrors(fieldErrors(error));
    else if (isKind(error, "token-expired")) {
      setSentTo(null);
      setValues((before) => ({ ...before, code: "" }));
      setProblem(text.expired);
    } else if (isKind(error, "too-many-attempts")) setProblem(text.tooMany(error.retryAfterSeconds));
    else setProblem(isKind(error, "mail-off") ? text.noMail : text.failed);
  };
  /** What a refused booking means for these fields. Returns whether they say it. */
  const tell = ({ kind, problem }: BookingRefusal): boolean => {
    if (kind === "email-unverified") {
      setMustProve(true);
      setProven(null);
      setProblem(text.mustProve);
      return true;
    }
    const found = kind === "malformed" && problem !== null ? fieldErrors(new ApiError(problem)) : {};
    setErrors(found);
    return Object.keys(found).length > 0;
  };
  const sendCode = () => {
    setProblem(null);
    const { email } = contact;
    verify.mutate({ data: { email } }, { onSuccess: () => setSentTo(email), onError: fail });
  };
  const enterCode = () => {
    setProblem(null);
    confirm.mutate(
      { data: { email: contact.email, code: values.code } },
      {
        onSuccess: (proof) => {
          setProven({ email: contact.email, proof });
          setSentTo(null);
          setValues((before) => ({ ...before, code: "" }));
          book({ contact, proof: proof.proof }, tell);
        },
        onError: fail,
      },
    );
  };
  /** The next step. Returns whether the entries are valid. */
  const submit = (): boolean => {
    const isAsked = sentTo === contact.email;
    const found = check(values, isAsked);
    setErrors(found);
    if (Object.keys(found).length > 0) return false;
    if (isAsked) enterCode();
    else if (mustProve && proof === null) sendCode();
    else book(guest, tell);
    return true;
  };
  return {
    values, set, errors, problem, submit, tell, sendCode, guest,
    /** What is asked for: who it is, or the code that was mailed. */
    step: sentTo !== null && sentTo === contact.email ? ("code" as const) : ("contact" as const),
    needsCode: mustProve && proof === null,
    isSending: verify.isPending || confirm.isPending,
  }; // prettier-ignore
}

function check({ name, email, code }: Record<Field, string>, isAsked: boolean): GuestErrors {
  return {
    ...(name.trim() === "" ? { name: text.required } : {}),
    ...(isEmail(email) ? {} : { email: text.invalidEmail }),
    ...(isAsked && code.trim() === "" ? { code: text.required } : {}),
  };
}

function fieldErrors(error: ApiError): GuestErrors {
  const { fieldErrors } = error;
  const found = (field: Field) => fieldErrors[field] ?? fieldErrors[`contact.${field}`];
  return Object.fromEntries(
    (["name", "email", "code"] as const).flatMap((field) => {
      const message = found(field);
      return message === undefined ? [] : [[field, message]];
    }),
  );
}

const isFresh = ({ expires_at }: ContactProof) => Date.parse(expires_at) - Date.now() > SPARE_MILLISECONDS;
