"""The core: entries, commands, the Event, the rules of selling, and the event store. Imports no other package of this project."""
