// Beside the stand-in's own script, in which a card can't be given to a payment: the form's card is sent to devstack/local_stripe.py.
(() => {
  const base = new URL(document.currentScript.src).origin;
  const open = window.Stripe;
  window.Stripe = (key) => {
    const stripe = open(key);
    const authenticate = stripe.confirmCardPayment;
    stripe.confirmCardPayment = async (client_secret, { payment_method }) => {
      const card = payment_method.card.value?.card ?? { number: "" };
      const [id] = client_secret.split("_secret_");
      try {
        const response = await fetch(`${base}/v1/payment_intents/${id}/confirm`, {
          method: "POST",
          body: JSON.stringify({ key, client_secret, card }),
        });
        const answer = await response.json();
        if (answer.error !== undefined) return { error: answer.error };
        return answer.status === "requires_action" ? authenticate(client_secret) : { paymentIntent: answer };
      } catch {
        return { error: { type: "api_connection_error", message: "The stand-in for Stripe does not answer." } };
      }
    };
    return stripe;
  };
})();
