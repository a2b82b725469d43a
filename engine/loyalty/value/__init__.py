"""What a customer is likely to buy, spend and be worth: models, their fit, and their health."""
