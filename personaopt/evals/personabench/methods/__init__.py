"""What is compared: how a persona is learnt from sessions, or how an assistant does without one."""
