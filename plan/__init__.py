"""What is made from what: the configuration, and what each set, row and training needs. Rules and commands ask it."""
