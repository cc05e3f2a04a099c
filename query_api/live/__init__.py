"""What changes while clients wait: the positions of the projections, and the feed of seats left."""
