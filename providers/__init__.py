"""Payment providers: who takes customers' money online, and gives it back. Each is a module behind one small interface."""
