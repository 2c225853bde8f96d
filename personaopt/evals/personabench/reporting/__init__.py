"""The report of a PersonaBench run: figures over personas, comparisons with golden, curves, tables and plots."""
