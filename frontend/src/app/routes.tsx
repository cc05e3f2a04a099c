import { lazy } from "react";
import { Route, Routes } from "react-router";

import { EventsPage } from "@/features/events/events-page";

import { backOfficeRoutes } from "./back-office-routes";
import { NotFoundPage } from "./not-found-page";
import { RequireSession } from "./require-session";
import { Shell } from "./shell/shell";
import { WithNotifications } from "./with-notifications";

// Each page is a chunk of its own, except the front page: it needs no second script.
const EventPage = lazy(async () => ({ default: (await import("@/features/events/event-page")).EventPage }));
const CheckoutPage = lazy(async () => ({
  default: (await import("@/features/events/checkout/checkout-page")).CheckoutPage,
}));
const PaymentPage = lazy(async () => ({
  default: (await import("@/features/events/checkout/payment-page")).PaymentPage,
}));
const DemoPaymentPage = lazy(async () => ({
  default: (await import("@/features/demo-provider/demo-payment-page")).DemoPaymentPage,
}));
const SignInPage = lazy(async () => ({ default: (await import("@/features/accounts/sign-in-page")).SignInPage }));
const SignUpPage = lazy(async () => ({ default: (await import("@/features/accounts/sign-up-page")).SignUpPage }));
const ForgotPasswordPage = lazy(async () => ({
  default: (await import("@/features/accounts/forgot-password-page")).ForgotPasswordPage,
}));
const ResetPasswordPage = lazy(async () => ({
  default: (await import("@/features/accounts/reset-password-page")).ResetPasswordPage,
}));
const VerifyEmailPage = lazy(async () => ({
  default: (await import("@/features/accounts/verify-email-page")).VerifyEmailPage,
}));
const AccountPage = lazy(async () => ({ default: (await import("@/features/accounts/account-page")).AccountPage }));
const MailboxPage = lazy(async () => ({ default: (await import("@/features/mailbox/mailbox-page")).MailboxPage }));
const BookingsPage = lazy(async () => ({ default: (await import("@/features/bookings/bookings-page")).BookingsPage }));
const GuestBookingPage = lazy(async () => ({
  default: (await import("@/features/bookings/guest-booking-page")).GuestBookingPage,
}));
const ManagePage = lazy(async () => ({ default: (await import("@/features/bookings/manage/manage-page")).ManagePage }));
const BookingPage = lazy(async () => ({ default: (await import("@/features/bookings/booking-page")).BookingPage }));

export function AppRoutes() {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<EventsPage />} />
        {backOfficeRoutes}
        <Route path="events/:eventId" element={<EventPage />} />
        <Route path="events/:eventId/checkout/:holdId" element={<CheckoutPage />} />
        <Route path="events/:eventId/booked" element={<GuestBookingPage />} />
        <Route path="checkout/:holdId" element={<PaymentPage />} />
        <Route path="pay/demo/:paymentId" element={<DemoPaymentPage />} />
        <Route path="sign-in" element={<SignInPage />} />
        <Route path="sign-up" element={<SignUpPage />} />
        <Route path="forgot-password" element={<ForgotPasswordPage />} />
        <Route path="reset-password" element={<ResetPasswordPage />} />
        <Route path="verify-email" element={<VerifyEmailPage />} />
        <Route path="mailbox" element={<MailboxPage />} />
        <Route element={<WithNotifications />}>
          <Route path="manage" element={<ManagePage />} />
        </Route>
        <Route element={<RequireSession />}>
          <Route path="account" element={<AccountPage />} />
          <Route path="bookings" element={<BookingsPage />} />
          <Route path="bookings/:bookingId" element={<BookingPage />} />
        </Route>
        <Route path="*" element={<NotFoundPage />} />
      </Route>
    </Routes>
  );
}
