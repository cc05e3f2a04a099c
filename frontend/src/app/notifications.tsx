/** In a chunk of its own: public pages show no notifications. */
import "@mantine/notifications/styles.css";

export { Notifications } from "@mantine/notifications";
