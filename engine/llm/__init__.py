"""The minds of the agents: language models, and the offline planner that needs none."""
