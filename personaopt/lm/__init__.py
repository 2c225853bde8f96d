"""Language models: the small local one with its adapter, where its weights come from, and what is shared between its calls."""
