"""Sessions as AI PERSONA simulates them: a user who asks, an agent that answers and acts, a check of satisfaction."""
