"""What changes while clients wait: the projections' positions, and the live feed of seats left."""
