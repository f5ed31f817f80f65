"""How fast a chat is answered, and whether anything is lost when bots and workers are killed."""
