"""What an agent may do before it answers: its tools, who may call them, and the policy that chooses among them."""
