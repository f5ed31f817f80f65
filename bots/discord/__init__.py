"""Discord: what people do there becomes values of the contract, and messages become components."""
