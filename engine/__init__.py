"""The domain of Regulars: customers, purchases, models and recommendations, without a web server or a command line."""
