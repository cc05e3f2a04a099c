import type { Stripe } from "@stripe/stripe-js";
import { loadStripe } from "@stripe/stripe-js/pure";

import type { CardForm } from "@/shared/api/generated/model";

/** Loads the provider's script, which draws the fields for a card: from the provider alone, unless a stand-in is asked for. */
export async function loadCardForm({ publishable_key, script_url }: CardForm): Promise<Stripe> {
  if (script_url != null && window.Stripe === undefined) await loadScript(script_url);
  const stripe = await loadStripe(publishable_key, { locale: "en" });
  if (stripe === null) throw new Error("There is no browser.");
  return stripe;
}

function loadScript(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve();
    script.onerror = () => {
      script.remove();
      reject(new Error("The card form can't be loaded."));
    };
    document.head.append(script);
  });
}
