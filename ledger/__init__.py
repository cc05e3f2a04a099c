"""The heart: entries, the Event that they make, the rules of selling, and the store. Imports nothing of ours."""
