/** What an order costs, wherever it is shown. */
export const ordersText = {
  discount: "Discount",
  /** Under an amount. */
  withDiscount: (amount: string) => `${amount} discount`,
};
