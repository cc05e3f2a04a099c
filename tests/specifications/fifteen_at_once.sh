#!/usr/bin/env bash
# Fifteen concurrent requests for ten tickets, with curl. Prints the event's id and the fifteen responses, one per line.
set -euo pipefail
base_url=$1
answers=$(mktemp -d)
trap 'rm -rf "$answers"' EXIT

event_id=$(curl -s -X POST "$base_url/events" \
  -H "Content-Type: application/json" \
  -d '{"name": "Test Event", "total_tickets": 10}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
echo "$event_id"

for i in {1..15}; do
  curl -s -X POST "$base_url/events/$event_id/bookings" \
    -H "Content-Type: application/json" \
    -d "{\"user_id\": \"user$i\", \"ticket_count\": 1}" > "$answers/$i" &
done
wait
for i in {1..15}; do cat "$answers/$i"; echo; done
