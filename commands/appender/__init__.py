"""The appender: group commit of commands under optimistic concurrency, decided on cached Events.

The states of a pending request (`pending.py`):

         submit
           │
           ▼        its Event is not in memory
    ┌─▶ queued ─────────────────────────────────▶ awaiting load ──────┐
    │      │                                        ▲   │             │
    │      │ next batch         its Event is too    │   │ Event       │ load
    │      ▼                    far behind          │   │ loaded      │ failed
    │   in flight ──────────────────────────────────┘   │             │
    │      │  ▲                                         │             │
    │      │  └── version conflict: decided again       │             │
    └──────┼────────────────────────────────────────────┘             │
           ▼                                                          ▼
        resolved: AcceptedCommand, RepeatedCommand, a refusal       resolved: Busy

A request is also resolved from each state when its deadline passes or the appender closes, and before it is decided if it has
waited and its client has disconnected: with Busy, or with OutcomeUnknown if its entries were sent to the database and no reply said
whether they were appended.

    appender.py       decides batches and appends them
    batch.py          the decisions of one batch, without a database
    contention.py     when a batch takes the ordering lock before it is decided
    timings.py        how long what took, for metrics and logs
    pending.py        pending requests, their queue and their deadlines
    event_memory.py   the Events of this process: which are cached, which are being loaded
    event_cache.py    least-recently-used cache of Events; event_loader.py reads them
"""
