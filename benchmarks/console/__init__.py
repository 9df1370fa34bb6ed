"""What the console costs, and how soon it shows what happened."""
