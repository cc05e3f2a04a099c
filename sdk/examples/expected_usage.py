"""Lists the events with the generated client only, from `make run` at its default address."""

from event_sdk.api.events_api import EventsApi
from event_sdk import ApiClient

client = ApiClient()
events_api = EventsApi(client)

# Retrieve all events
events = events_api.get_events()

print(events)
