"""What a run of PersonaBench is measured by: rules that need no model, and a judge that is examined itself."""
