"""The LaMP benchmark: its files, and the PersonaAgent results on them."""
