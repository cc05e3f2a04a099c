import { lazy } from "react";
import { Route } from "react-router";

import { RequireSession } from "./require-session";

const OrganisePage = lazy(async () => ({
  default: (await import("@/features/organise/event-list/event-list-page")).EventListPage,
}));
const CreatePage = lazy(async () => ({
  default: (await import("@/features/organise/create-event/create-event-page")).CreateEventPage,
}));
const Workspace = lazy(async () => ({
  default: (await import("@/features/organise/event-layout/event-layout")).EventLayout,
}));
const OverviewPage = lazy(async () => ({
  default: (await import("@/features/organise/overview/overview-page")).OverviewPage,
}));
const SoldPage = lazy(async () => ({
  default: (await import("@/features/organise/bookings/event-bookings-page")).EventBookingsPage,
}));
const SellPage = lazy(async () => ({
  default: (await import("@/features/organise/box-office/box-office-page")).BoxOfficePage,
}));
const CheckInPage = lazy(async () => ({
  default: (await import("@/features/organise/check-in/check-in-page")).CheckInPage,
}));
const CodesPage = lazy(async () => ({ default: (await import("@/features/organise/codes/codes-page")).CodesPage }));
const EventPaymentsPage = lazy(async () => ({
  default: (await import("@/features/payments/event-payments-page")).EventPaymentsPage,
}));
const PaymentsPage = lazy(async () => ({ default: (await import("@/features/payments/payments-page")).PaymentsPage }));
const MessagesPage = lazy(async () => ({
  default: (await import("@/features/organise/messages/messages-page")).MessagesPage,
}));
const EditPage = lazy(async () => ({
  default: (await import("@/features/organise/edit-event/edit-event-page")).EditEventPage,
}));
const StatisticsPage = lazy(async () => ({
  default: (await import("@/features/statistics/statistics-page")).StatisticsPage,
}));
const AccountListPage = lazy(async () => ({
  default: (await import("@/features/account-list/account-list-page")).AccountListPage,
}));
const ProjectionsPage = lazy(async () => ({
  default: (await import("@/features/projections/projections-page")).ProjectionsPage,
}));
const LedgerPage = lazy(async () => ({ default: (await import("@/features/ledger/entries/ledger-page")).LedgerPage }));
const AccountTrailPage = lazy(async () => ({
  default: (await import("@/features/ledger/account-trail/account-trail-page")).AccountTrailPage,
}));
const HistoryPage = lazy(async () => ({
  default: (await import("@/features/ledger/history/event-history-page")).EventHistoryPage,
}));
const ComparePage = lazy(async () => ({
  default: (await import("@/features/ledger/comparison/comparison-page")).ComparisonPage,
}));
const BooksPage = lazy(async () => ({
  default: (await import("@/features/ledger/statistics-as-of/statistics-as-of-page")).StatisticsAsOfPage,
}));
const WebhookListPage = lazy(async () => ({
  default: (await import("@/features/webhooks/webhook-list-page")).WebhookListPage,
}));
const WebhookPage = lazy(async () => ({ default: (await import("@/features/webhooks/webhook-page")).WebhookPage }));

/** The pages for organizers, admins and auditors. */
export const backOfficeRoutes = (
  <>
    <Route element={<RequireSession roles={["organizer", "admin"]} />}>
      <Route path="organise" element={<OrganisePage />} />
      <Route path="organise/new" element={<CreatePage />} />
      <Route path="organise/:eventId" element={<Workspace />}>
        <Route index element={<OverviewPage />} />
        <Route path="bookings" element={<SoldPage />} />
        <Route path="sell" element={<SellPage />} />
        <Route path="check-in" element={<CheckInPage />} />
        <Route path="payments" element={<EventPaymentsPage />} />
        <Route path="codes" element={<CodesPage />} />
        <Route path="messages" element={<MessagesPage />} />
        <Route path="edit" element={<EditPage />} />
      </Route>
      <Route path="statistics" element={<StatisticsPage />} />
      <Route path="webhooks" element={<WebhookListPage />} />
      <Route path="webhooks/:webhookId" element={<WebhookPage />} />
    </Route>
    <Route element={<RequireSession roles={["organizer", "auditor", "admin"]} />}>
      <Route path="payments" element={<PaymentsPage />} />
    </Route>
    <Route element={<RequireSession roles={["admin"]} />}>
      <Route path="accounts" element={<AccountListPage />} />
    </Route>
    <Route element={<RequireSession roles={["auditor", "admin"]} />}>
      <Route path="projections" element={<ProjectionsPage />} />
      <Route path="ledger" element={<LedgerPage />} />
      <Route path="ledger/accounts" element={<AccountTrailPage />} />
      <Route path="ledger/books" element={<BooksPage />} />
      <Route path="ledger/compare" element={<ComparePage />} />
      <Route path="ledger/events/:eventId" element={<HistoryPage />} />
    </Route>
  </>
);
