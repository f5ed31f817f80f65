"""How often the product claims an edge that is not there, and how often it finds one that is."""
