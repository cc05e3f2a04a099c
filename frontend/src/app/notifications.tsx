/** In a chunk of its own: who only looks at what is on is never notified of anything. */
import "@mantine/notifications/styles.css";

export { Notifications } from "@mantine/notifications";
