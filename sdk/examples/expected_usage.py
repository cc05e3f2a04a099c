"""All events, with the generated client alone, against `make run` at its usual address."""

from event_sdk.api.events_api import EventsApi
from event_sdk import ApiClient

client = ApiClient()
events_api = EventsApi(client)

# Retrieve all events
events = events_api.get_events()

print(events)
