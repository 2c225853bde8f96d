"""Language models: the small local one, its adapter and its weights, and what its calls share."""
