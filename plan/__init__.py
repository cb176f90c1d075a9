"""What is made from what: configuration, what each row and rule needs, versions of the code."""
