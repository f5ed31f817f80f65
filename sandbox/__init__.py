"""Where code that a model wrote will be held. Nothing runs untrusted code yet: no tool offers it."""
