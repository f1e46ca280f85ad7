# gpup_cts_add_implementation(): filled in by the binding layer.
