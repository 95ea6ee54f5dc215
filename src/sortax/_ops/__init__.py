"""What users call: arguments are checked, then one formula in the methods of a relaxation."""
