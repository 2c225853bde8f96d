"""What each LM call is asked. Only `dspy.Signature` classes and how they are composed."""
