import { useEffect, useState } from "react";
import { useLocation, useNavigate, type Location } from "react-router";

const STORED_AS = "seatledger.manage-link";

/**
 * The token of the manage link that was opened in this tab; null without one. It is read once from the fragment, which then goes from
 * the address bar: a screenshot or a copied address must not give the booking away.
 */
export function useManageToken(): { token: string | null; forget: () => void } {
  const { hash, state } = useLocation() as Location<unknown>;
  const navigate = useNavigate();
  const opened = hash.slice(1);
  const [forgotten, setForgotten] = useState(false);

  useEffect(() => {
    if (opened === "") return;
    sessionStorage.setItem(STORED_AS, opened);
    void navigate("/manage", { replace: true, state });
  }, [opened, state, navigate]);

  return {
    token: forgotten ? null : opened || sessionStorage.getItem(STORED_AS),
    forget: () => {
      sessionStorage.removeItem(STORED_AS);
      setForgotten(true);
    },
  };
}
