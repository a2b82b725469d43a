"""What is known of customers, a group of features in each module."""
