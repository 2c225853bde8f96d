"""How a persona is changed: the alignment loop, and the decisions it is made of."""
