"""The methods that the experiment compares, each a small `dspy.Module`."""
